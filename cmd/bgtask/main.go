// Bgtask runs background tasks when the moment is right. This one binary is the command
// line, the broker, and the server of the tasks that 'bgtask add' creates. The verbs are
// in internal/cli; this package lists them, and has those that run the broker.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/client"
)

func main() { os.Exit(realMain()) }

func realMain() int {
	if code, yes := asSample(); yes {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{Env: &verb.Env{
		Terminal: &term.Terminal{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Screen: term.ScreenOf(os.Stdout), Now: time.Now, Zone: time.Local},
		Broker:   &client.Client{User: true, Version: version(), Start: startBroker},
		Version:  version(),
	}}
	return a.run(ctx, os.Args[1:])
}

// startBroker starts this program as the broker.
func startBroker(ctx context.Context, socket string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	return client.Spawn(ctx, exe, socket)
}
