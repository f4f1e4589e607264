//go:build linux

package source

import (
	"fmt"
	"maps"
	"sync"

	"github.com/bgtask/bgtask/task"
)

// Watcher feeds the triggers of one class, which say themselves what to watch.
type Watcher interface {
	Source // which reports no facts

	// Entry describes it, for Run.
	Entry() Entry
	// Check refuses a trigger that could not be watched, before it is registered.
	Check(task.Trigger) error
	// Set replaces what is watched: all registrations of its class.
	Set(wanted map[task.GUID]task.Trigger)
}

// Events is told what happened. Its methods are called concurrently by different
// watchers.
type Events interface {
	// Fired returns when the event may be forgotten. An error says that it was not
	// taken: it is lost unless it is told again.
	Fired(id task.GUID, details task.Details) error
	// Trouble says why a registration is not watched as it should be; nil: it is.
	Trouble(id task.GUID, err error)
}

// Chains makes of watchers what Run takes.
func Chains(watchers []Watcher) []Chain {
	var all []Chain
	for _, w := range watchers {
		all = append(all, Chain{w.Entry()})
	}
	return all
}

// wishes is what Set gives to the goroutine that watches.
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

// of gives those of one kind.
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
