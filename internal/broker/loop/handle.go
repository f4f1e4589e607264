//go:build linux

package loop

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// State is the engine as a query sees it: a query reads, and changes nothing.
type State interface {
	Busy(id task.GUID) bool
	CheckInstall(ev engine.Install) engine.Answer
	Facts(now engine.Instant) []task.Fact
	Fork() (*engine.Engine, error)
	Groups(family string) []string
	Packages() []task.Package
	RunOf(instance task.GUID) (id task.GUID, host engine.HostID, live bool)
	Seq() uint64
	Sources() []task.SourceState
	Task(now engine.Instant, id task.GUID) (task.Info, bool)
	Tasks(now engine.Instant, f engine.Filter) []task.Info
	Why(now engine.Instant, id task.GUID) (task.Explanation, bool)
}

// Handle is how the rest of the broker reaches the engine. Its methods may be called
// from any goroutine, unless their comment says otherwise, and before the loop runs:
// what they queue waits for it.
type Handle struct {
	inbox   *inbox
	replies *replies
	life    context.Context
	state   State // set by Run, before anything is taken from the inbox
}

// NewHandle returns a Handle to a loop that ends with life.
func NewHandle(life context.Context) *Handle {
	return &Handle{inbox: newInbox(task.MaxInbox), replies: newReplies(), life: life}
}

// ErrOver is the error for what cannot be done because the broker is ending.
var ErrOver error = &task.Error{Err: task.ErrUnavailable, Detail: "the broker is ending", Hint: "try again: the next broker gives the same answer to the same request"}

// Life returns the context that ends when the loop has ended.
func (h *Handle) Life() context.Context { return h.life }

// Put queues an event that must not be refused. It waits for room in the inbox until
// ctx ends.
func (h *Handle) Put(ctx context.Context, ev engine.Event) error {
	return h.inbox.put(ctx, item{event: ev})
}

// Urge queues an event of the broker itself. It never waits and is never refused.
func (h *Handle) Urge(ev engine.Event) { h.inbox.urge(ev) }

// Report queues a source's facts. It never waits; in a full inbox the facts are merged
// into the source's last report.
func (h *Handle) Report(facts engine.FactsReported) { h.inbox.report(facts) }

// Defer runs f on the loop, after the actions of the current round and of all that is
// queued already.
func (h *Handle) Defer(f func()) { h.inbox.push(item{query: func(engine.Instant) { f() }}) }

// Expect calls take once, on the loop, with the answer to the request with this id.
// Take must not wait.
func (h *Handle) Expect(id engine.RequestID, take func(engine.Answer)) { h.replies.expect(id, take) }

// Reply hands an answer to all that expect it. It is called on the loop.
func (h *Handle) Reply(id engine.RequestID, answer engine.Answer) { h.replies.reply(id, answer) }

// Ask queues a request and returns its answer, with the answer's error.
func (h *Handle) Ask(ctx context.Context, ev engine.Event) (engine.Answer, error) {
	answer := make(chan engine.Answer, 1)
	defer h.replies.expect(requestOf(ev), func(a engine.Answer) { answer <- a })()
	if err := h.submit(ctx, ev); err != nil {
		return engine.Answer{}, err
	}
	err := ErrOver
	select {
	case a := <-answer:
		return a, a.Err()
	case <-h.life.Done():
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	select { // the answer may have been the last thing that the loop did
	case a := <-answer:
		return a, a.Err()
	default:
		return engine.Answer{}, err
	}
}

// submit queues a request. Cancels and what a watch has seen are never refused: they
// wait for room.
func (h *Handle) submit(ctx context.Context, ev engine.Event) error {
	switch ev.(type) {
	case engine.Cancel, engine.StopAll, engine.Occurred:
		return h.Put(ctx, ev)
	}
	return h.inbox.offer(item{event: ev})
}

// Query runs f on the loop, after everything that was queued before. When it returns
// an error, f was not run and will not be.
func (h *Handle) Query(ctx context.Context, f func(state State, now engine.Instant)) error {
	var taken atomic.Bool
	done := make(chan struct{})
	err := h.inbox.offer(item{query: func(now engine.Instant) {
		if taken.CompareAndSwap(false, true) {
			f(h.state, now)
			close(done)
		}
	}})
	if err != nil {
		return err
	}
	err = ErrOver
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-h.life.Done():
	}
	if taken.CompareAndSwap(false, true) {
		return err
	}
	<-done
	return nil
}

// Packages returns all packages that the engine has.
func (h *Handle) Packages(ctx context.Context) (all []task.Package, err error) {
	err = h.Query(ctx, func(state State, _ engine.Instant) { all = state.Packages() })
	return all, err
}

// StopAll asks the engine to cancel all runs within a time, and then to stop.
func (h *Handle) StopAll(reason task.CancellationReason, within time.Duration) {
	h.Urge(engine.StopAll{Request: NewRequestID(), Reason: reason, Within: within})
}

// window is how many events of one peer may wait for the loop, so that no peer alone
// fills the inbox and has the requests of others refused.
const window = 64

// Window queues the events of one peer.
type Window struct {
	handle *Handle
	places chan struct{}
}

// NewWindow returns a Window for one peer.
func (h *Handle) NewWindow() *Window { return &Window{h, make(chan struct{}, window)} }

// Put queues an event. It waits while too many of the peer's events wait for the loop.
// Its one error is ErrOver.
func (w *Window) Put(ev engine.Event) error {
	life := w.handle.life
	select {
	case w.places <- struct{}{}:
	case <-life.Done():
		return ErrOver
	}
	if err := w.handle.inbox.put(life, item{event: ev, taken: func() { <-w.places }}); err != nil {
		return ErrOver
	}
	return nil
}
