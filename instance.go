package bgtask

import (
	"context"
	"net"
	"os"
	"slices"
	"sync"

	"github.com/bgtask/bgtask/task"
)

// Instance is one run, as its task sees it. It is safe for concurrent use.
type Instance struct {
	activation task.Activation
	task       *Registration
	host       host

	mu       sync.Mutex
	progress uint32
	handlers []func(*Instance, CancellationReason)
	reason   *CancellationReason // nil until the run is canceled; the first reason stays
	cancel   context.CancelCauseFunc
	working  int   // number of Run, deferrals and handlers that have not ended
	failed   error // the first error of Run and its deferrals
	crashed  string
	over     bool // working is 0: the result has been reported
	listener net.Listener
}

// host takes the reports of a run.
type host interface {
	Progress(instance task.GUID, value uint32)
	SaveCheckpoint(ctx context.Context, instance task.GUID, data []byte) error
	Finish(instance task.GUID, result task.Result)
	Listener(ctx context.Context, instance task.GUID) (*os.File, error)
}

// InstanceID returns the identity of the run.
func (i *Instance) InstanceID() GUID { return i.activation.Instance }

// Task returns the registration that runs. Several registrations may share a class.
func (i *Instance) Task() *Registration { return i.task }

// TriggerDetails returns the details of the firing. Their type depends on the
// trigger: use a type switch.
func (i *Instance) TriggerDetails() Details { return i.activation.Details }

// Occurrence returns the work of this run. Its Number identifies the work: the same
// number always means the same firings, so use it to make repetition harmless.
func (i *Instance) Occurrence() Occurrence { return i.activation.Occurrence }

// Attempt returns the number of this attempt at the occurrence, from 1. An earlier
// attempt may have ended before its Run was called.
func (i *Instance) Attempt() int { return i.activation.Attempt }

// LocalFolder returns the path of the application's data folder. It exists, and only
// the user can access it.
func (i *Instance) LocalFolder() string { return i.activation.Folder }

// Checkpoint returns a copy of what an earlier attempt at the occurrence saved last,
// or nil.
func (i *Instance) Checkpoint() []byte {
	if i.activation.Checkpoint == nil {
		return nil
	}
	return slices.Clone(i.activation.Checkpoint.Data)
}

// SaveCheckpoint stores data for the next attempt at the occurrence, if there is one.
// When it returns nil, data is durable. It also works while the run is being
// canceled. Data over 64 KiB fails with ErrLimit, and a run that is over with
// ErrInvalid. While the broker restarts it waits, at most 30 s.
func (i *Instance) SaveCheckpoint(data []byte) error {
	if n := len(data); n > task.MaxPayload {
		return tooLarge("save checkpoint", i.task.Name(), "the checkpoint", n)
	}
	if i.isOver() {
		return &Error{Op: "save checkpoint", Subject: i.task.Name(), Err: ErrInvalid, Detail: "the run is over"}
	}
	ctx, stop := context.WithTimeoutCause(context.Background(), task.AdoptionWindow, ErrUnavailable)
	defer stop()
	return i.host.SaveCheckpoint(ctx, i.InstanceID(), slices.Clone(data))
}

// Listener returns the socket of the task's SocketActivityTrigger, with the
// connections that wait. It belongs to the run and is closed when the run is over.
// Connections that were not accepted fire the task again, so accept them until none
// has arrived for a while. It fails with ErrInvalid if the task has another trigger,
// or the run is over.
func (i *Instance) Listener() (net.Listener, error) {
	fail := func(sentinel error, detail string) (net.Listener, error) {
		return nil, &Error{Op: "take the listener", Subject: i.task.Name(), Err: sentinel, Detail: detail}
	}
	if _, ok := i.activation.Spec.Trigger.(SocketActivityTrigger); !ok {
		return fail(ErrInvalid, "the task has no SocketActivityTrigger")
	}
	i.mu.Lock()
	l, over := i.listener, i.over
	i.mu.Unlock()
	if l != nil || over {
		return i.keep(l)
	}
	ctx, stop := context.WithTimeoutCause(context.Background(), task.AdoptionWindow, ErrUnavailable)
	defer stop()
	file, err := i.host.Listener(ctx, i.InstanceID())
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // FileListener has its own copy
	if l, err = net.FileListener(file); err != nil {
		return fail(ErrInternal, err.Error())
	}
	return i.keep(l)
}

// keep makes l the listener of the run and returns it. If the run already has one, or
// is over, it closes l.
func (i *Instance) keep(l net.Listener) (net.Listener, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.over:
		if l != nil {
			_ = l.Close()
		}
		return nil, &Error{Op: "take the listener", Subject: i.task.Name(), Err: ErrInvalid, Detail: "the run is over"}
	case i.listener == nil:
		i.listener = l
	case i.listener != l:
		_ = l.Close() // a concurrent call was faster
	}
	return i.listener, nil
}

// SetProgress reports how far the run is, in a unit that the application chooses. The
// broker passes on at most ten changes a second, the last one always.
func (i *Instance) SetProgress(value uint32) {
	i.mu.Lock()
	i.progress = value
	over := i.over
	i.mu.Unlock()
	if !over {
		i.host.Progress(i.InstanceID(), value)
	}
}

// Progress returns the last value given to SetProgress, or 0.
func (i *Instance) Progress() uint32 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.progress
}

// Canceled registers a handler that is called when the run is canceled, for code that
// does not watch its context. Handlers run in their own goroutine, in the order they
// were added, and the run is not over before they return. If the run is already
// canceled, Canceled calls the handler before it returns.
func (i *Instance) Canceled(handler func(*Instance, CancellationReason)) {
	i.mu.Lock()
	reason := i.reason
	if reason == nil {
		i.handlers = append(i.handlers, handler)
	}
	i.mu.Unlock()
	if reason != nil {
		handler(i, *reason)
	}
}

func (i *Instance) isOver() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.over
}

// Deferral keeps a run from being over when Run has returned. It is safe for
// concurrent use.
type Deferral struct {
	instance *Instance
	once     sync.Once
}

// GetDeferral returns a deferral for work that continues after Run has returned. The
// run is over, and its context ends, when Run has returned and all deferrals are
// complete. A Run that waits for its work needs none. Call it before the run is over;
// a later call has no effect and is logged as an error.
func (i *Instance) GetDeferral() *Deferral {
	i.mu.Lock()
	defer i.mu.Unlock()
	d := &Deferral{instance: i}
	if i.over {
		i.task.client.logger().Error("bgtask: a deferral was taken after the run's end", "task", i.task.Name(), "instance", i.InstanceID())
		d.once.Do(func() {})
		return d
	}
	i.working++
	return d
}

// Complete ends the deferral. Only the first call of Complete or Fail counts.
func (d *Deferral) Complete() { d.Fail(nil) }

// Fail ends the deferral with an error, which decides the outcome as an error of Run
// does if it is the first one. Fail(nil) is Complete.
func (d *Deferral) Fail(err error) {
	d.once.Do(func() { d.instance.returned(err) })
}
