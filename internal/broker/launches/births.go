//go:build linux

package launches

import (
	"context"
	"sync"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// births answers questions about launches while they begin. A process may speak before the
// engine knows of its launch: it attaches as soon as it runs, while Start is still
// returning. So the answers wait for the launch's first event.
type births struct {
	life context.Context

	mu       sync.Mutex
	starting map[task.LaunchToken]*birth
	packages map[task.LaunchToken]string // whose class server each launch is
	claimed  map[task.Process]bool       // those whose end will be reported
}

// birth is the start of a launch, until the engine knows of it.
type birth struct {
	process task.Process
	known   chan struct{} // closed when the engine's event is queued
}

func newBirths(life context.Context, last []engine.Launch) *births {
	b := &births{
		life:     life,
		starting: make(map[task.LaunchToken]*birth),
		packages: make(map[task.LaunchToken]string),
		claimed:  make(map[task.Process]bool),
	}
	for _, launch := range last {
		b.packages[launch.Token] = launch.Package
	}
	return b
}

// begin adds a launch whose start the engine does not know of yet.
func (b *births) begin(token task.LaunchToken) *birth {
	begun := &birth{known: make(chan struct{})}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.starting[token] = begun
	return begun
}

func (b *births) find(token task.LaunchToken) *birth {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.starting[token]
}

func (b *births) forget(token task.LaunchToken) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.starting, token)
	delete(b.packages, token)
}

func (b *births) ofPackage(token task.LaunchToken, family string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.packages[token] = family
}

func (b *births) packageOf(token task.LaunchToken) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.packages[token]
}

// leads reports whether a process is the root of a launch.
func (b *births) leads(proc task.Process, token task.LaunchToken) bool {
	begun := b.find(token)
	if begun == nil {
		return false
	}
	select {
	case <-begun.known:
		return begun.process == proc
	case <-b.life.Done():
		return false
	}
}

// settled returns when the engine knows of a launch.
func (b *births) settled(ctx context.Context, token task.LaunchToken) error {
	begun := b.find(token)
	if begun == nil {
		return nil
	}
	select {
	case <-begun.known:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// claim reports whether the caller is the first to follow a process, and has to report
// its end.
func (b *births) claim(proc task.Process) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.claimed[proc] {
		return false
	}
	b.claimed[proc] = true
	return true
}

func (b *births) disclaim(proc task.Process) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.claimed, proc)
}
