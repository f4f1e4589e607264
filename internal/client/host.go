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

// Handler is told what the broker wants of a host. Its methods are called one at
// a time and must not block.
type Handler interface {
	// Activate enters Run; an error refuses the activation and revokes the object.
	Activate(a task.Activation) error
	// Cancel tells a run why it must stop. It may come again with another reason,
	// and for an instance that is over.
	Cancel(instance task.GUID, reason task.CancellationReason)
}

// Host is a process with class objects, kept attached to the broker: it attaches
// again when the stream is lost, names the instances it knows, and repeats each
// outcome until it is acknowledged. A process has at most one that runs, and
// each is run once.
type Host struct {
	Broker  Broker
	Handler Handler
	Token   task.LaunchToken // of this process; zero: the user started it
	Logger  *slog.Logger     // nil: slog.Default

	mu    sync.Mutex
	state hostState     // what is to be told
	wake  chan struct{} // the state changed; one is enough
	over  chan struct{} // Run has returned
}

// untoldFor is how long a host that ends tries to tell its outcomes to a broker
// that is gone.
const untoldFor = 5 * time.Minute

// init makes the channels at first use, so that a Host needs no constructor.
func (h *Host) init() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wake == nil {
		h.wake, h.over = make(chan struct{}, 1), make(chan struct{})
	}
}

// change changes what is to be told, and tells it.
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

// SetObjects replaces the class objects, from the first attach on.
func (h *Host) SetObjects(objects ...task.Object) {
	h.change(func(s *hostState) { s.objects, s.objectsTold = objects, false })
}

// Progress tells a run's progress: at most 10 a second, the last one always.
func (h *Host) Progress(instance task.GUID, value uint32) {
	h.change(func(s *hostState) { s.progress(instance, value) })
}

// Finish gives a run's result, which is repeated until it is acknowledged.
func (h *Host) Finish(instance task.GUID, result task.Result) {
	result.Text, result.Exit = wire.Clip(result.Text), wire.Clip(result.Exit)
	h.change(func(s *hostState) { s.finish(instance, result) })
}

// SaveCheckpoint returns when data is durable, or refused, or ctx ends.
func (h *Host) SaveCheckpoint(ctx context.Context, instance task.GUID, data []byte) error {
	s := &save{frame: wire.SaveCheckpoint{Request: newRequest(), Instance: instance, Data: data}, done: make(chan error, 1)}
	h.change(func(st *hostState) { st.saves = append(st.saves, s) })
	defer h.change(func(st *hostState) { st.forget(s.frame.Request) })
	select {
	case err := <-s.done:
		return err
	case <-h.over:
		return &task.Error{Op: "save checkpoint", Err: task.ErrUnavailable, Detail: "this process does not serve any more"}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Leave asks whether the host may exit. When it may, Run returns nil. It may not
// while an activation is on its way.
func (h *Host) Leave(ctx context.Context) (bool, error) {
	answer := make(chan bool, 1)
	h.change(func(s *hostState) { s.leave, s.leaveTold = answer, false })
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

// unopened is why there is no stream at all.
type unopened struct{ error }

func (e *unopened) Unwrap() error { return e.error }

// errLeft ends Run: leaving was confirmed.
var errLeft = errors.New("left")

// Run attaches, and attaches again when the stream is lost, until ctx ends. Then
// it waits until all runs have finished and are acknowledged: for five minutes
// when the broker is gone. It returns nil after ctx has ended or Leave was
// confirmed, and an error when the broker refuses the host, or when there is none
// and the process was not launched by one.
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
	mayStart := h.Token.IsZero() // a launched server waits for whoever launched it
	first := h.Token.IsZero()    // and has somebody to wait for; who starts a program wants to know
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
			return h.untold()
		case errors.As(err, &drop):
			if !drop.stopping {
				return drop
			}
			mayStart = false // it was told to stop
		case !transient(err):
			return err
		case attached:
			mayStart = h.Token.IsZero()
			pace.reset()
		}
		h.logger().Debug("attaching again", "because", err)
		if !pace.wait(live) && !h.done(ctx) {
			return h.untold()
		}
	}
}

// closing ends live some time after ctx: what is untold then stays so.
func (h *Host) closing(ctx, live context.Context, stop func()) {
	select {
	case <-ctx.Done():
	case <-live.Done():
		return
	}
	h.change(func(s *hostState) { s.objects, s.objectsTold = nil, false })
	h.awaitRuns(live)
	timer := time.NewTimer(untoldFor)
	defer timer.Stop()
	select {
	case <-timer.C:
		stop()
	case <-live.Done():
	}
}

// awaitRuns waits until no run is live: how long that takes is up to the tasks.
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

// done says that ctx has ended and there is nothing left to tell.
func (h *Host) done(ctx context.Context) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return ctx.Err() != nil && len(h.state.held) == 0
}

func (h *Host) untold() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.state.held) == 0 {
		return nil
	}
	return &task.Error{Op: "serve", Err: task.ErrUnavailable, Detail: "the broker is gone, and an outcome could not be told",
		Hint: "the next broker starts the task again"}
}

// transient says whether attaching again may help.
func transient(err error) bool {
	return err == nil || errors.Is(err, task.ErrUnavailable) || errors.Is(err, task.ErrBusy) ||
		errors.Is(err, io.EOF) || errors.Is(err, context.Canceled)
}

// dropped is the broker's word that it is done with this host.
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
