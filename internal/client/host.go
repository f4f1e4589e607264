// The host: what keeps a process attached to the broker. Run holds one stream at a time
// (host_stream.go) and attaches again when it is lost; what must be sent is kept as
// state, not as a queue of frames (host_state.go), so that a new stream starts with
// everything that still matters. A host must not lose an outcome: it repeats each one
// until it is acknowledged, and stays alive for that for a while even after it was
// asked to end.

package client

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Handler does what the broker asks of a host. Its methods are called one at a time and
// must not block.
type Handler interface {
	// Activate enters Run. An error refuses the activation and withdraws the object.
	Activate(a task.Activation) error
	// Cancel asks a run to stop and gives the reason. It may be called again with
	// another reason, and for an instance that is over.
	Cancel(instance task.GUID, reason task.CancellationReason)
}

// Host is a process with class objects that stays attached to the broker. It attaches
// again when the stream is lost, names the instances that it knows, and repeats each
// outcome until it is acknowledged. A process has at most one running Host, and a Host
// is run once.
type Host struct {
	Broker  Broker
	Handler Handler
	Token   task.LaunchToken // of this process; zero: the user started it
	Logger  *slog.Logger     // nil: slog.Default

	mu    sync.Mutex
	state hostState     // what must be sent
	wake  chan struct{} // signals that the state changed
	over  chan struct{} // Run has returned
}

// reportFor is how long a host that ends tries to report its outcomes when the broker
// is gone.
const reportFor = 5 * time.Minute

// init makes the channels at first use, so that a Host needs no constructor.
func (h *Host) init() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wake == nil {
		h.wake, h.over = make(chan struct{}, 1), make(chan struct{})
	}
}

// change changes the state and makes the stream send what changed.
func (h *Host) change(f func(*hostState)) {
	h.init()
	h.mu.Lock()
	f(&h.state)
	h.mu.Unlock()
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// SetObjects replaces the class objects, starting with the first attach.
func (h *Host) SetObjects(objects ...task.Object) {
	h.change(func(s *hostState) { s.objects, s.objectsSent = objects, false })
}

// Progress reports a run's progress: at most 10 updates a second, and always the last
// one.
func (h *Host) Progress(instance task.GUID, value uint32) {
	h.change(func(s *hostState) { s.progress(instance, value) })
}

// Finish reports a run's result, which is repeated until it is acknowledged.
func (h *Host) Finish(instance task.GUID, result task.Result) {
	result.Text, result.Exit = wire.Clip(result.Text), wire.Clip(result.Exit)
	h.change(func(s *hostState) { s.finish(instance, result) })
}

// SaveCheckpoint returns when data is stored, when it is refused, or when ctx ends.
func (h *Host) SaveCheckpoint(ctx context.Context, instance task.GUID, data []byte) error {
	s := &save{frame: wire.SaveCheckpoint{Request: newRequest(), Instance: instance, Data: data}, done: make(chan error, 1)}
	h.change(func(st *hostState) { st.saves = append(st.saves, s) })
	defer h.change(func(st *hostState) { st.forget(s.frame.Request) })
	select {
	case err := <-s.done:
		return err
	case <-h.over:
		return &task.Error{Op: "save checkpoint", Err: task.ErrUnavailable, Detail: "this process no longer serves"}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Leave asks whether the host may exit. If it may, Run returns nil. It may not while an
// activation is on its way.
func (h *Host) Leave(ctx context.Context) (bool, error) {
	answer := make(chan bool, 1)
	h.change(func(s *hostState) { s.leave, s.leaveSent = answer, false })
	select {
	case left := <-answer:
		return left, nil
	case <-h.over:
		return true, nil
	case <-ctx.Done():
		h.change(func(s *hostState) { s.leave = nil })
		return false, context.Cause(ctx)
	}
}

// unopened is the error when no stream could be opened at all.
type unopened struct{ error }

func (e *unopened) Unwrap() error { return e.error }

// errLeft ends Run when leaving was confirmed.
var errLeft = errors.New("left")

// Run attaches, and attaches again when the stream is lost, until ctx ends. Then it
// waits until all runs have finished and are acknowledged, for at most five minutes if
// the broker is gone. It returns nil after ctx has ended or Leave was confirmed. It
// returns an error if the broker refuses the host, or if no broker is running and the
// process was not launched by one.
func (h *Host) Run(ctx context.Context) error {
	h.init()
	defer close(h.over)
	return h.run(ctx)
}

func (h *Host) run(ctx context.Context) error {
	live, stop := context.WithCancel(context.WithoutCancel(ctx))
	var closing sync.WaitGroup
	defer closing.Wait()
	defer stop()
	closing.Go(func() { h.closing(ctx, live, stop) })
	mayStart := h.Token.IsZero() // a launched server waits for the broker that launched it
	first := h.Token.IsZero()    // a program that a user starts must report the error instead of waiting
	var pace pace
	for {
		attached, err := h.attach(ctx, live, mayStart && ctx.Err() == nil)
		first = first && !attached
		var closed *unopened
		var drop *dropped
		switch {
		case errors.Is(err, errLeft) || h.done(ctx):
			return nil
		case first && errors.As(err, &closed):
			return closed.error
		case live.Err() != nil:
			return h.unreported()
		case errors.As(err, &drop):
			if !drop.stopping {
				return drop
			}
			mayStart = false // the broker was asked to stop
		case !transient(err):
			return err
		case attached:
			mayStart = h.Token.IsZero()
			pace.reset()
		}
		h.logger().Debug("attaching again", "because", err)
		if !pace.wait(live) && !h.done(ctx) {
			return h.unreported()
		}
	}
}

// closing ends live some time after ctx. What is not reported by then stays so.
func (h *Host) closing(ctx, live context.Context, stop func()) {
	select {
	case <-ctx.Done():
	case <-live.Done():
		return
	}
	h.change(func(s *hostState) { s.objects, s.objectsSent = nil, false })
	h.awaitRuns(live)
	timer := time.NewTimer(reportFor)
	defer timer.Stop()
	select {
	case <-timer.C:
		stop()
	case <-live.Done():
	}
}

// awaitRuns waits until no run is live. How long that takes is up to the tasks.
func (h *Host) awaitRuns(live context.Context) {
	for {
		h.mu.Lock()
		running, finished := h.state.running(), h.state.finished
		if finished == nil {
			finished = make(chan struct{})
			h.state.finished = finished
		}
		h.mu.Unlock()
		if running == 0 {
			return
		}
		select {
		case <-finished:
		case <-live.Done():
			return
		}
	}
}

// done reports whether ctx has ended and nothing is left to send.
func (h *Host) done(ctx context.Context) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return ctx.Err() != nil && len(h.state.held) == 0
}

func (h *Host) unreported() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.state.held) == 0 {
		return nil
	}
	return &task.Error{Op: "serve", Err: task.ErrUnavailable, Detail: "the broker is gone, and an outcome could not be reported",
		Hint: "the next broker starts the task again"}
}

// transient reports whether attaching again may help.
func transient(err error) bool {
	return err == nil || errors.Is(err, task.ErrUnavailable) || errors.Is(err, task.ErrBusy) ||
		errors.Is(err, io.EOF) || errors.Is(err, context.Canceled)
}

// dropped is the error when the broker ended its connection to this host.
type dropped struct {
	text     string
	stopping bool
}

func (d *dropped) Error() string { return "serve: the broker ended the connection: " + d.text }

func (d *dropped) Unwrap() error { return task.ErrUnavailable }

func (h *Host) logger() *slog.Logger {
	if h.Logger != nil {
		return h.Logger
	}
	return slog.Default()
}
