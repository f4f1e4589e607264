//go:build linux

package packages

import (
	"context"
	"log/slog"
	"sync"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/task"
)

// Supervisor looks at processes and at the output of launches: a process.Supervisor.
type Supervisor interface {
	Identify(pid int) (task.Process, error)
	OnExit(p task.Process, exited func(process.Exit)) (stop func(), err error)
	Forget(token task.LaunchToken)
}

// History reads stored events, newest first: a store.Store.
type History interface {
	History(ctx context.Context, q store.Query) ([]task.Event, error)
}

// Config is what a Manager needs. All fields have to be set.
type Config struct {
	Loop         *loop.Handle
	Log          *slog.Logger
	StateDir     string
	TrustDir     string // holds the certificates that the user trusts
	History      History
	Supervisor   Supervisor
	Background   *sync.WaitGroup // of the goroutines that remove folders
	WatchFolders func(dirs []string, changed func())
}

// turns lets one goroutine at a time unpack or sweep.
type turns chan struct{}

func newTurns() turns {
	t := make(turns, 1)
	t <- struct{}{}
	return t
}

// take waits for the turn; free ends it.
func (t turns) take(ctx, life context.Context) (free func(), err error) {
	select {
	case <-t:
		return func() { t <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-life.Done():
		return nil, loop.ErrOver
	}
}
