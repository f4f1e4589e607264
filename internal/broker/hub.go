//go:build linux

package broker

import (
	"sync"

	"github.com/bgtask/bgtask/task"
)

// hub hands what was committed to those who watch. It waits for nobody: a
// watcher whose buffer is full is dropped, and comes back with its cursor.
type hub struct {
	mu       sync.Mutex
	watchers map[*watcher]struct{}
}

// watcher is one live stream of events.
type watcher struct {
	wants  func(task.Event) bool
	events chan task.Event
	lagged chan struct{} // closed when it was too slow
}

func newHub() *hub { return &hub{watchers: make(map[*watcher]struct{})} }

// join makes a watcher of all that is told from now on. It is to be called on
// the loop, so that "now" is a sequence number.
func (h *hub) join(wants func(task.Event) bool) *watcher {
	w := &watcher{wants: wants, events: make(chan task.Event, task.MaxWatchBuffer), lagged: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers[w] = struct{}{}
	return w
}

// leave may be called twice.
func (h *hub) leave(w *watcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.watchers, w)
}

func (h *hub) tell(events []task.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		if !w.offer(events) {
			delete(h.watchers, w)
			close(w.lagged)
		}
	}
}

func (w *watcher) offer(events []task.Event) bool {
	for _, ev := range events {
		if !w.wants(ev) {
			continue
		}
		select {
		case w.events <- ev:
		default:
			return false
		}
	}
	return true
}
