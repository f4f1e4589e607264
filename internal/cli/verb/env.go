// Package verb is what all verbs share: the environment they run in, help texts,
// shell completion, and how the words of a command line name tasks, packages and facts.
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

// Env is what every verb runs in: the terminal, the broker, and the flags that several
// verbs have.
type Env struct {
	*term.Terminal
	Broker  Remote
	Version string // of this program
	Package string // -p; "" for all packages
}

// Remote is the broker as the verbs see it: the calls of the SDK, and those that only
// the user may make.
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
