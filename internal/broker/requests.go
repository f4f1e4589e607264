package broker

import (
	"context"
	"crypto/rand"
	"sync"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// requests are those who wait for a Reply. Several may wait for one id: a client
// that lost its connection asks again with the same id.
type requests struct {
	mu      sync.Mutex
	waiting map[engine.RequestID][]chan engine.Answer
}

func newRequests() *requests {
	return &requests{waiting: make(map[engine.RequestID][]chan engine.Answer)}
}

// await makes a place for the answer to id; leave gives it up.
func (r *requests) await(id engine.RequestID) (answer <-chan engine.Answer, leave func()) {
	c := make(chan engine.Answer, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting[id] = append(r.waiting[id], c)
	return c, func() { r.leave(id, c) }
}

func (r *requests) leave(id engine.RequestID, c chan engine.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rest := r.waiting[id]
	for i := range rest {
		if rest[i] == c {
			rest = append(rest[:i:i], rest[i+1:]...)
			break
		}
	}
	if len(rest) == 0 {
		delete(r.waiting, id)
	} else {
		r.waiting[id] = rest
	}
}

// reply hands the answer to all who wait for it.
func (r *requests) reply(id engine.RequestID, answer engine.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.waiting[id] {
		c <- answer
	}
	delete(r.waiting, id)
}

// newRequestID is for requests that came without an id.
func newRequestID() (id engine.RequestID) {
	rand.Read(id[:]) // never fails
	return id
}

// ask queues a request, never refused if it is urgent, and waits for its answer.
// A refusal is a *task.Error with op.
func (b *broker) ask(ctx context.Context, op string, ev engine.Event) (engine.Answer, error) {
	id := eventID(ev)
	answer, leave := b.requests.await(id)
	defer leave()
	if err := b.submit(ctx, ev); err != nil {
		return engine.Answer{}, err
	}
	select {
	case a := <-answer:
		return a, refusal(op, a)
	case <-ctx.Done():
		return engine.Answer{}, context.Cause(ctx)
	case <-b.over:
		return engine.Answer{}, b.ended(op)
	}
}

// submit queues a request. Cancels and checkpoints are never refused.
func (b *broker) submit(ctx context.Context, ev engine.Event) error {
	switch ev.(type) {
	case engine.Cancel, engine.StopAll, engine.SaveCheckpoint:
		return b.inbox.put(ctx, item{event: ev})
	}
	return b.inbox.offer(item{event: ev})
}

func (b *broker) ended(op string) error {
	return &task.Error{Op: op, Err: task.ErrUnavailable, Detail: "the broker ends", Hint: "ask again: the next broker gives the same request the same answer"}
}

// refusal is the error that an answer carries.
func refusal(op string, a engine.Answer) error {
	if a.Code == "" {
		return nil
	}
	return &task.Error{Op: op, Subject: a.Subject, Err: task.Sentinel(a.Code), Detail: a.Detail, Hint: a.Hint}
}

// query runs f on the loop, after all that was asked for before it.
func (b *broker) query(ctx context.Context, f func(now engine.Instant)) error {
	done := make(chan struct{})
	err := b.inbox.offer(item{query: func(now engine.Instant) {
		defer close(done)
		f(now)
	}})
	if err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-b.over:
		return b.ended("")
	}
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
	}
	return engine.RequestID{}
}
