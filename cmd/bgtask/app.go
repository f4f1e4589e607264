package main

import (
	"context"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
)

// app is the program.
type app struct {
	*verb.Env
	helpless error // why --help had nothing to show
}

// run runs one command line and returns its exit code.
func (a *app) run(ctx context.Context, args []string) int {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	out := term.NewOutput(a.Stdout, stop)
	a.Stdout = out
	root := newRoot(a)
	root.SetArgs(args)
	defer a.Broker.Close()
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = a.helpless
	}
	if lost := out.Err(); lost != nil {
		err = lost // the verb only reports that it was interrupted
	}
	if err != nil {
		a.JSON = (a.JSON || term.AsksForJSON(args)) && out.Err() == nil
		a.Fail(err)
	}
	return term.ExitCode(err)
}
