//go:build linux

package packages

import (
	"context"
	"sync"

	"github.com/bgtask/bgtask/task"
)

// directory is the engine's list of packages as calls need it. It is read again after a
// change.
type directory struct {
	ask func(context.Context) ([]task.Package, error)

	mu      sync.Mutex
	current []task.Package
	fresh   bool
	changes int
}

func (d *directory) list(ctx context.Context) ([]task.Package, error) {
	d.mu.Lock()
	if d.fresh {
		defer d.mu.Unlock()
		return d.current, nil
	}
	changes := d.changes
	d.mu.Unlock()
	packages, err := d.ask(ctx)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changes == changes {
		d.current, d.fresh = packages, true
	}
	return packages, nil
}

// changed has the list read again.
func (d *directory) changed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fresh = false
	d.changes++
}
