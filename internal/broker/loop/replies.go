//go:build linux

package loop

import (
	"crypto/rand"
	"sync"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// replies are the calls that wait for a Reply of the engine. Several may wait for one
// id: a client that lost its connection sends its request again with the same id.
type replies struct {
	mu      sync.Mutex
	waiting map[engine.RequestID][]*waiter
}

// waiter takes one answer. It is called on the loop and must not wait.
type waiter struct{ take func(engine.Answer) }

func newReplies() *replies {
	return &replies{waiting: make(map[engine.RequestID][]*waiter)}
}

// expect adds a waiter for the answer to id; leave removes it.
func (r *replies) expect(id engine.RequestID, take func(engine.Answer)) (leave func()) {
	w := &waiter{take}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting[id] = append(r.waiting[id], w)
	return func() { r.leave(id, w) }
}

func (r *replies) leave(id engine.RequestID, w *waiter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rest []*waiter
	for _, other := range r.waiting[id] {
		if other != w {
			rest = append(rest, other)
		}
	}
	if r.waiting[id] = rest; len(rest) == 0 {
		delete(r.waiting, id)
	}
}

// reply hands the answer to all waiters.
func (r *replies) reply(id engine.RequestID, answer engine.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.waiting[id] {
		w.take(answer)
	}
	delete(r.waiting, id)
}

// NewRequestID returns the id of a request that came without one.
func NewRequestID() (id engine.RequestID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// RequestID returns the client's id of a request, or a new one.
func RequestID(id task.GUID) engine.RequestID {
	if id.IsZero() {
		return NewRequestID()
	}
	return id
}

// requestOf returns the id of the request that ev is, or zero.
func requestOf(ev engine.Event) engine.RequestID {
	switch ev := ev.(type) {
	case engine.Register:
		return ev.Request
	case engine.Unregister:
		return ev.Request
	case engine.Fire:
		return ev.Request
	case engine.Raise:
		return ev.Request
	case engine.Cancel:
		return ev.Request
	case engine.Resume:
		return ev.Request
	case engine.RequestAccess:
		return ev.Request
	case engine.SetAccess:
		return ev.Request
	case engine.Install:
		return ev.Request
	case engine.Imply:
		return ev.Request
	case engine.Uninstall:
		return ev.Request
	case engine.OverrideFact:
		return ev.Request
	case engine.ClearOverride:
		return ev.Request
	case engine.StopAll:
		return ev.Request
	case engine.SaveCheckpoint:
		return ev.Request
	case engine.Occurred:
		return ev.Request
	}
	return engine.RequestID{}
}
