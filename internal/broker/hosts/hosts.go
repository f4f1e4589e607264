//go:build linux

package hosts

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

const (
	outboxSize    = 1024        // frames that wait for a host: more than it may have runs and cancels
	drainWithin   = time.Second // how long an exit waits for the last words of its stream
	helloWithin   = 10 * time.Second
	goodbyeWithin = time.Second // to take the last frame
)

// Hosts are the attached processes. The methods may be called from any goroutine.
type Hosts struct {
	loop       *loop.Handle
	background *sync.WaitGroup
	log        *slog.Logger

	mu       sync.Mutex
	attached map[engine.HostID]*Attachment
}

// New returns Hosts without any host. The goroutines of streams belong to background;
// they end with their stream, and with the loop's life.
func New(h *loop.Handle, background *sync.WaitGroup, log *slog.Logger) *Hosts {
	return &Hosts{loop: h, background: background, log: log, attached: make(map[engine.HostID]*Attachment)}
}

// Attachment is the stream of one attached host. The loop puts frames into its outbox
// and never waits for it.
type Attachment struct {
	host   engine.HostID
	outbox chan wire.BrokerFrame
	ended  chan struct{} // closed when the stream has to end
	read   chan struct{} // closed when it was read to its end and the engine knows

	deaf    atomic.Bool  // the host does not read
	reading atomic.Int64 // counts frames, by two: odd while the reader waits for one

	once sync.Once
	why  error // set before ended is closed
}

// Attach adds a host. While the same process is attached, a second stream is refused;
// while the end of its last stream is still being read, the second one waits.
func (h *Hosts) Attach(ctx context.Context, host engine.HostID) (*Attachment, error) {
	a := &Attachment{
		host:   host,
		outbox: make(chan wire.BrokerFrame, outboxSize),
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
				Detail: "this process is already attached", Hint: "attach once, with all classes of the process"}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// enter adds an attachment, or returns the one that is in its place.
func (h *Hosts) enter(a *Attachment) *Attachment {
	h.mu.Lock()
	defer h.mu.Unlock()
	if old := h.attached[a.host]; old != nil {
		return old
	}
	h.attached[a.host] = a
	return nil
}

// Detach removes an attachment whose stream was read to its end, after the engine was
// informed.
func (h *Hosts) Detach(a *Attachment) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.attached[a.host] == a {
		delete(h.attached, a.host)
	}
	close(a.read)
}

func (h *Hosts) find(host engine.HostID) *Attachment {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.attached[host]
}

// Count returns how many hosts are attached.
func (h *Hosts) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.attached)
}

func (h *Hosts) all() []*Attachment {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*Attachment, 0, len(h.attached))
	for _, a := range h.attached {
		all = append(all, a)
	}
	return all
}

// Send queues a frame for a host. A host that is not attached gets nothing: the engine
// already knows that its stream is lost.
func (h *Hosts) Send(host engine.HostID, frame wire.BrokerFrame) {
	if a := h.find(host); a != nil {
		a.Send(frame)
	}
}

// Drop ends a host's stream after a last frame.
func (h *Hosts) Drop(host engine.HostID, frame wire.Drop) {
	a := h.find(host)
	if a == nil {
		return
	}
	a.Send(frame)
	time.AfterFunc(goodbyeWithin, func() { a.end(nil) })
}

// DismissAll asks all hosts not to start another broker, and waits at most a second
// until their streams have ended.
func (h *Hosts) DismissAll() {
	all := h.all()
	for _, a := range all {
		a.Send(wire.Drop{Text: "the broker was stopped", Stopping: true})
	}
	patience := time.After(goodbyeWithin)
	for _, a := range all {
		select {
		case <-a.ended:
		case <-patience:
			return
		}
	}
}

// Drained waits until the stream of a process that has ended was read to its end. It
// waits at most a second, because another process may hold the connection open.
func (h *Hosts) Drained(ctx context.Context, process task.Process) {
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

// Send queues a frame. It never waits: a host that does not read is cut off.
func (a *Attachment) Send(frame wire.BrokerFrame) {
	select {
	case a.outbox <- frame:
	default:
		a.deaf.Store(true)
		a.end(&task.Error{Op: "attach", Subject: a.host.String(), Err: task.ErrLimit,
			Detail: fmt.Sprintf("the host does not read its stream: %d frames are waiting", cap(a.outbox))})
	}
}

// end makes the stream end, with an error for the peer or nil.
func (a *Attachment) end(why error) {
	a.once.Do(func() {
		a.why = why
		close(a.ended)
	})
}

// settle is how long a reader must have nothing to read before it counts as done.
const settle = 5 * time.Millisecond

// LastWords waits until everything that has arrived on the stream was read. It is called
// when the connection has ended, after which gRPC passes nothing on: the last frame and
// the end may arrive together from a process that dies.
func (a *Attachment) LastWords() {
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
