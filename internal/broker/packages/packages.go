//go:build linux

package packages

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/internal/wire"
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

// Manager manages packages. Its methods may be called from any goroutine.
type Manager struct {
	places    places
	directory *directory
	installer *installer
	remover   *remover
	sweeper   *sweeper
	system    *distribution
}

// New returns a Manager. Sweep and FollowSystem have to run while clients are served.
func New(c Config) *Manager {
	m := &Manager{places: newPlaces(c.StateDir), directory: &directory{ask: c.Loop.Packages}}
	turns := newTurns()
	m.sweeper = newSweeper(c, m.places.versions, turns)
	m.remover = newRemover(c)
	m.installer = &installer{
		loop: c.Loop, trustDir: c.TrustDir, places: m.places, directory: m.directory,
		settled: m.remover.settled, turns: turns, leftover: m.sweeper.hint,
	}
	m.system = newDistribution(c, m.installer)
	m.remover.removed = m.system.hint
	return m
}

// Install installs or updates what the request's path names.
func (m *Manager) Install(ctx context.Context, r wire.InstallRequest) (wire.Installed, error) {
	return m.installer.install(ctx, r)
}

// LocalFolder returns the path of a package's data folder.
func (m *Manager) LocalFolder(family string) string { return m.places.localFolder(family) }

// MakeLocalFolder makes a package's data folder and returns its path.
func (m *Manager) MakeLocalFolder(family string) (string, error) {
	return m.places.makeLocalFolder(family)
}

// Changed has the list of packages read again. It has to be called when a package was
// added, updated or removed.
func (m *Manager) Changed() { m.directory.changed() }

// Committed is called on the loop when an event about a package is committed.
func (m *Manager) Committed() {
	m.directory.changed()
	m.sweeper.hint()
}

// Remove removes what an uninstalled package left: its data, unless keepData, and what
// its servers wrote. It is called on the loop and does not wait; FoldersRemoved follows.
func (m *Manager) Remove(p task.Package, keepData bool) { m.remover.remove(p, keepData) }

// Sweep removes the folders of earlier versions when they are no longer in use, until
// the loop has ended.
func (m *Manager) Sweep() { m.sweeper.run() }

// FollowSystem keeps the packages of the distribution as their folders are, until the
// loop has ended.
func (m *Manager) FollowSystem() { m.system.run() }

// AwaitSystem returns when the folders of the distribution were read once, or after
// within. Before, a program of such a package would be taken for an unknown one.
func (m *Manager) AwaitSystem(within time.Duration) { m.system.scanned(within) }

// Checks returns the findings of "bgtask doctor" about the distribution's packages.
func (m *Manager) Checks() []task.Check { return m.system.checks() }

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
