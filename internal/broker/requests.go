//go:build linux

package broker

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// requests are those who wait for a Reply. Several may wait for one id: a client
// that lost its connection asks again with the same id.
type requests struct {
	mu      sync.Mutex
	waiting map[engine.RequestID][]*waiter
}

// waiter takes one answer. It is called by the loop and must not wait.
type waiter struct{ take func(engine.Answer) }

func newRequests() *requests {
	return &requests{waiting: make(map[engine.RequestID][]*waiter)}
}

// await makes a place for the answer to id; leave gives it up.
func (r *requests) await(id engine.RequestID, take func(engine.Answer)) (leave func()) {
	w := &waiter{take}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting[id] = append(r.waiting[id], w)
	return func() { r.leave(id, w) }
}

func (r *requests) leave(id engine.RequestID, w *waiter) {
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

// reply hands the answer to all who wait for it.
func (r *requests) reply(id engine.RequestID, answer engine.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.waiting[id] {
		w.take(answer)
	}
	delete(r.waiting, id)
}

// newRequestID is for requests that came without an id.
func newRequestID() (id engine.RequestID) {
	rand.Read(id[:]) // never fails
	return id
}

// requestID is the client's, or one that was made for it.
func requestID(id task.GUID) engine.RequestID {
	if id.IsZero() {
		return newRequestID()
	}
	return id
}

// ask queues a request and waits for its answer.
func (b *broker) ask(ctx context.Context, ev engine.Event) (engine.Answer, error) {
	id := eventID(ev)
	answer := make(chan engine.Answer, 1)
	defer b.requests.await(id, func(a engine.Answer) { answer <- a })()
	if err := b.submit(ctx, ev); err != nil {
		return engine.Answer{}, err
	}
	err := error(errOver)
	select {
	case a := <-answer:
		return a, a.Err()
	case <-b.life.Done():
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	select { // it may have been the last thing that the loop did
	case a := <-answer:
		return a, a.Err()
	default:
		return engine.Answer{}, err
	}
}

// submit queues a request. Cancels are never refused, nor is what a watcher saw: it
// waits.
func (b *broker) submit(ctx context.Context, ev engine.Event) error {
	switch ev.(type) {
	case engine.Cancel, engine.StopAll, engine.Occurred:
		return b.inbox.put(ctx, item{event: ev})
	}
	return b.inbox.offer(item{event: ev})
}

var errOver = &task.Error{Err: task.ErrUnavailable, Detail: "the broker ends", Hint: "ask again: the next broker gives the same request the same answer"}

// alone returns when nobody else unpacks or sweeps; free lets the next one.
func (b *broker) alone(ctx context.Context) (free func(), err error) {
	select {
	case <-b.installing:
		return func() { b.installing <- struct{}{} }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-b.life.Done():
		return nil, errOver
	}
}

// query runs f on the loop, after all that was asked for before it. When it
// returns an error, f was not run and will not be.
func (b *broker) query(ctx context.Context, f func(now engine.Instant)) error {
	var taken atomic.Bool
	done := make(chan struct{})
	err := b.inbox.offer(item{query: func(now engine.Instant) {
		if taken.CompareAndSwap(false, true) {
			f(now)
			close(done)
		}
	}})
	if err != nil {
		return err
	}
	err = errOver
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-b.life.Done():
	}
	if taken.CompareAndSwap(false, true) {
		return err
	}
	<-done
	return nil
}

// eventID is the id of the request that ev is, or zero.
func eventID(ev engine.Event) engine.RequestID {
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
