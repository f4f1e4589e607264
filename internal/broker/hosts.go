//go:build linux

package broker

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

const (
	hostOutbox    = 1024        // frames that wait for a host: more than it may have runs and cancels
	peerWindow    = 64          // frames of one host, reports of one source, that wait for the loop
	drainWithin   = time.Second // how long an exit waits for the last words of its stream
	helloWithin   = 10 * time.Second
	goodbyeWithin = time.Second // to take the last frame
)

// hosts are the attached processes, one stream for each.
type hosts struct {
	mu       sync.Mutex
	attached map[engine.HostID]*attachment
}

// attachment is one attach stream. Its frames go through the outbox, which the
// loop never waits for.
type attachment struct {
	host   engine.HostID
	outbox chan wire.BrokerFrame
	ended  chan struct{} // closed when the stream has to end
	read   chan struct{} // closed when it was read to its end, and the engine told

	deaf    atomic.Bool  // it does not read
	reading atomic.Int64 // counts frames, by two: odd while the reader waits for one

	once sync.Once
	why  error // set before ended is closed
}

func newHosts() *hosts { return &hosts{attached: make(map[engine.HostID]*attachment)} }

// attach makes a place for a host's stream. A second one at the same time is
// refused; one whose end is only being read is waited for.
func (h *hosts) attach(ctx context.Context, host engine.HostID) (*attachment, error) {
	a := &attachment{
		host:   host,
		outbox: make(chan wire.BrokerFrame, hostOutbox),
		ended:  make(chan struct{}),
		read:   make(chan struct{}),
	}
	patience := time.NewTimer(drainWithin)
	defer patience.Stop()
	for {
		old := h.enter(a)
		if old == nil {
			return a, nil
		}
		select {
		case <-old.read:
		case <-patience.C:
			return nil, &task.Error{Op: "attach", Subject: host.String(), Err: task.ErrConflict,
				Detail: "this process is attached already", Hint: "a process attaches once, with all its classes"}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// enter gives the attachment that is in the way, if there is one.
func (h *hosts) enter(a *attachment) *attachment {
	h.mu.Lock()
	defer h.mu.Unlock()
	if old := h.attached[a.host]; old != nil {
		return old
	}
	h.attached[a.host] = a
	return nil
}

// detach is called when the stream was read to its end and the engine was told.
func (h *hosts) detach(a *attachment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.attached[a.host] == a {
		delete(h.attached, a.host)
	}
	close(a.read)
}

func (h *hosts) find(host engine.HostID) *attachment {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.attached[host]
}

func (h *hosts) all() []*attachment {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*attachment, 0, len(h.attached))
	for _, a := range h.attached {
		all = append(all, a)
	}
	return all
}

// send queues a frame for a host. One that is not attached gets nothing: the
// engine was told that its stream is lost.
func (h *hosts) send(host engine.HostID, frame wire.BrokerFrame) {
	if a := h.find(host); a != nil {
		a.send(frame)
	}
}

// drop ends a host's stream after a last frame.
func (h *hosts) drop(host engine.HostID, frame wire.Drop) {
	a := h.find(host)
	if a == nil {
		return
	}
	a.send(frame)
	time.AfterFunc(goodbyeWithin, func() { a.end(nil) })
}

// send never waits: a host that does not read is cut off.
func (a *attachment) send(frame wire.BrokerFrame) {
	select {
	case a.outbox <- frame:
	default:
		a.deaf.Store(true)
		a.end(&task.Error{Op: "attach", Subject: a.host.String(), Err: task.ErrLimit,
			Detail: fmt.Sprintf("it does not read its stream: %d frames wait", cap(a.outbox))})
	}
}

// end makes the stream end, with an error for the peer or with none.
func (a *attachment) end(why error) {
	a.once.Do(func() {
		a.why = why
		close(a.ended)
	})
}

// drained waits until the streams of a process that is gone were read to their
// end, but not for ever: somebody else may hold the connection.
func (h *hosts) drained(ctx context.Context, process task.Process) {
	a := h.find(process)
	if a == nil {
		return
	}
	patience := time.NewTimer(drainWithin)
	defer patience.Stop()
	select {
	case <-a.read:
	case <-patience.C:
		a.end(nil)
	case <-ctx.Done():
	}
}

// settle is how long a reader has to have nothing to read, to have read all.
const settle = 5 * time.Millisecond

// lastWords waits until what has arrived on a stream was read. It is for the end
// of its connection, after which gRPC hands nothing on: a frame and the end may
// come together, from a process that dies.
func (a *attachment) lastWords() {
	last := int64(0)
	for range drainWithin / settle {
		now := a.reading.Load()
		if now == last && now%2 == 1 {
			return
		}
		last = now
		select {
		case <-a.read:
			return
		case <-time.After(settle):
		}
	}
}
