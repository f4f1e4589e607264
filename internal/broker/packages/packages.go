//go:build linux

package packages

import (
	"context"
	"time"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

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
