//go:build linux

package loop

import (
	"sync"

	"github.com/bgtask/bgtask/task"
)

// Hub hands committed events to subscribers. It never waits: a subscriber whose buffer
// is full is dropped, and may subscribe again from its last cursor. Its methods may be
// called from any goroutine.
type Hub struct {
	mu          sync.Mutex
	subscribers map[*Subscriber]struct{}
}

// Subscriber is one live stream of events.
type Subscriber struct {
	Events chan task.Event
	Lagged chan struct{} // closed when the subscriber was too slow and was dropped

	wants func(task.Event) bool
}

// NewHub returns a Hub without subscribers.
func NewHub() *Hub { return &Hub{subscribers: make(map[*Subscriber]struct{})} }

// Subscribe returns a subscriber to all events that wants accepts, from now on. Call it
// on the loop, so that "now" is a sequence number. Wants is called on the loop.
func (h *Hub) Subscribe(wants func(task.Event) bool) *Subscriber {
	s := &Subscriber{wants: wants, Events: make(chan task.Event, task.MaxWatchBuffer), Lagged: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.subscribers[s] = struct{}{}
	return s
}

// Unsubscribe removes a subscriber. It may be called twice.
func (h *Hub) Unsubscribe(s *Subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.subscribers, s)
}

// Publish hands events to all subscribers, in order.
func (h *Hub) Publish(events []task.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for s := range h.subscribers {
		if !s.offer(events) {
			delete(h.subscribers, s)
			close(s.Lagged)
		}
	}
}

func (s *Subscriber) offer(events []task.Event) bool {
	for _, ev := range events {
		if !s.wants(ev) {
			continue
		}
		select {
		case s.Events <- ev:
		default:
			return false
		}
	}
	return true
}
