package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// app is what the verbs share: whom to ask, where to write, what time it is.
type app struct {
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	screen screen
	now    func() time.Time
	zone   *time.Location
	broker remote

	// Flags of all verbs.
	json    bool
	noColor bool
	pkg     string
}

// remote is what the verbs ask the broker for: what the SDK does, and what is the user's.
type remote interface {
	client.Broker
	Status(ctx context.Context) (task.Status, error)
	Stop(ctx context.Context, within time.Duration) error
	Simulate(ctx context.Context, q wire.SimulateQuery) (task.Simulation, error)
	Packages(ctx context.Context) ([]task.Package, error)
	Install(ctx context.Context, path string, how client.Installing) (wire.Installed, error)
	Uninstall(ctx context.Context, family string, keepData bool) error
	SetAccess(ctx context.Context, family string, access task.AccessStatus) error
	OverrideFact(ctx context.Context, name string, value task.Value, lasts time.Duration) error
	ClearOverride(ctx context.Context, name string) error
	Logs(ctx context.Context, q wire.LogsQuery) iter.Seq2[task.Output, error]
}

var _ remote = (*client.Client)(nil)

// run runs one command line and returns its exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	defer a.broker.Close()
	err := root.ExecuteContext(ctx)
	if err != nil {
		a.json = a.json || asksForJSON(args)
		a.fail(err)
	}
	return exitCode(err)
}

// printf writes a line or more for people.
func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.stdout, format, args...) }

// warn writes what does not stop anything, beside the answer.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.stderr, "warning: %s\n", clean(fmt.Sprintf(format, args...)))
}
