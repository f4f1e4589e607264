//go:build linux

package source

import (
	"fmt"
	"maps"
	"sync"

	"github.com/bgtask/bgtask/task"
)

// Watcher feeds the triggers of one class, each of which says what to watch.
type Watcher interface {
	Source // reports no facts

	// Entry describes the watcher, for Run.
	Entry() Entry
	// Check returns an error for a trigger that cannot be watched. It is called
	// before registration.
	Check(task.Trigger) error
	// Set replaces the set of watched registrations, which are all those of its
	// class. It never blocks.
	Set(wanted map[task.GUID]task.Trigger)
}

// Events receives what the watchers observe. Different watchers call its methods
// concurrently.
type Events interface {
	// Fired returns when the event may be forgotten. After an error the event was
	// not accepted, and is lost unless it is reported again.
	Fired(id task.GUID, details task.Details) error
	// Trouble reports why a registration is not watched as it should be. A nil
	// error means that it is.
	Trouble(id task.GUID, err error)
}

// Chains makes a chain of each watcher, for Run.
func Chains(watchers []Watcher) []Chain {
	var all []Chain
	for _, w := range watchers {
		all = append(all, Chain{w.Entry()})
	}
	return all
}

// wishes holds the wanted registrations, between Set and the goroutine that
// watches.
type wishes struct {
	mu     sync.Mutex
	wanted map[task.GUID]task.Trigger
	hints  hints
}

func newWishes() *wishes { return &wishes{hints: newHints()} }

// Set implements Watcher.
func (w *wishes) Set(wanted map[task.GUID]task.Trigger) {
	w.mu.Lock()
	w.wanted = maps.Clone(wanted)
	w.mu.Unlock()
	w.hints.give()
}

// of returns the wanted registrations whose trigger is a T.
func of[T task.Trigger](w *wishes) map[task.GUID]T {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[task.GUID]T{}
	for id, t := range w.wanted {
		if t, ok := t.(T); ok {
			all[id] = t
		}
	}
	return all
}

func refuse(err error, detail, hint string, args ...any) error {
	return &task.Error{Err: err, Detail: fmt.Sprintf(detail, args...), Hint: hint}
}
