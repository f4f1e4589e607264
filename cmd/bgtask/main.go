// Bgtask is the command line of the system, its broker, and the server of the
// command tasks: one binary. The verbs show what the engine answers and add
// nothing to it; there is a file for each.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/bgtask/bgtask/internal/client"
)

func main() { os.Exit(realMain()) }

func realMain() int {
	if code, yes := asSample(); yes {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := &app{
		stdin:  os.Stdin,
		stdout: os.Stdout,
		stderr: os.Stderr,
		screen: screenOf(os.Stdout),
		now:    time.Now,
		zone:   time.Local,
		broker: &client.Client{User: true, Version: version(), Start: startBroker},
	}
	return a.run(ctx, os.Args[1:])
}

// screenOf says what can be shown on f.
func screenOf(f *os.File) screen {
	fd := int(f.Fd())
	if !term.IsTerminal(fd) {
		return screen{}
	}
	s := screen{terminal: true, color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if width, _, err := term.GetSize(fd); err == nil {
		s.width = width
	}
	return s
}

// startBroker starts this very program as the broker.
func startBroker(ctx context.Context, socket string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	return client.Spawn(ctx, exe, socket)
}
