// Package verb is what all verbs share: the environment that they are given, and how
// the words of a command line name tasks, packages and facts.
package verb

import (
	"context"
	"iter"
	"time"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Env is what every verb is given: the terminal, and the broker.
type Env struct {
	*term.Terminal
	Broker  Remote
	Version string
	Package string
}

// Remote is what the verbs ask the broker for: what the SDK does, and what is the user's.
type Remote interface {
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

var _ Remote = (*client.Client)(nil)
