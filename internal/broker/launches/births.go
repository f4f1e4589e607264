//go:build linux

package launches

import (
	"context"

	"github.com/bgtask/bgtask/task"
)

// A process may speak before the engine knows of its launch: it attaches as soon as it
// runs, while Start is still returning. A birth lets the questions below wait for the
// launch's first event.

// begin adds a launch whose start the engine does not know of yet.
func (l *Launches) begin(token task.LaunchToken) *birth {
	b := &birth{known: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.births[token] = b
	return b
}

func (l *Launches) birth(token task.LaunchToken) *birth {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.births[token]
}

func (l *Launches) forget(token task.LaunchToken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.births, token)
	delete(l.packages, token)
}

func (l *Launches) ofPackage(token task.LaunchToken, family string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.packages[token] = family
}

// PackageOf returns the package whose class server a launch is, or "".
func (l *Launches) PackageOf(token task.LaunchToken) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.packages[token]
}

// Leads reports whether a process is the root of a launch.
func (l *Launches) Leads(proc task.Process, token task.LaunchToken) bool {
	b := l.birth(token)
	if b == nil {
		return false
	}
	select {
	case <-b.known:
		return b.process == proc
	case <-l.Life.Done():
		return false
	}
}

// Settled returns when the engine knows of a launch, so that what its process says comes
// after.
func (l *Launches) Settled(ctx context.Context, token task.LaunchToken) error {
	b := l.birth(token)
	if b == nil {
		return nil
	}
	select {
	case <-b.known:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// claim reports whether the caller is the first to follow a process, and has to report
// its end.
func (l *Launches) claim(proc task.Process) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.claimed[proc] {
		return false
	}
	l.claimed[proc] = true
	return true
}

func (l *Launches) disclaim(proc task.Process) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.claimed, proc)
}
