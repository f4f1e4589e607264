package main

import (
	"context"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
)

// app is what the verbs of a room share.
type app struct{ *verb.Env }

// run runs one command line and returns its exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	defer a.Broker.Close()
	err := root.ExecuteContext(ctx)
	if err != nil {
		a.JSON = a.JSON || term.AsksForJSON(args)
		a.Fail(err)
	}
	return term.ExitCode(err)
}
