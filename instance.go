package bgtask

import (
	"context"
	"net"
	"os"
	"slices"
	"sync"

	"github.com/bgtask/bgtask/task"
)

// Instance is one run, seen from inside. Safe for concurrent use.
type Instance struct {
	activation task.Activation
	task       *Registration
	host       host

	mu       sync.Mutex
	progress uint32
	handlers []func(*Instance, CancellationReason)
	reason   *CancellationReason // told to stop; the first one stands
	cancel   context.CancelCauseFunc
	working  int   // Run, deferrals and handlers that have not come back
	failed   error // the first error of Run and its deferrals
	crashed  string
	over     bool // nothing works any more
	listener net.Listener
}

// host takes what a run has to say.
type host interface {
	Progress(instance task.GUID, value uint32)
	SaveCheckpoint(ctx context.Context, instance task.GUID, data []byte) error
	Finish(instance task.GUID, result task.Result)
	Listener(ctx context.Context, instance task.GUID) (*os.File, error)
}

// InstanceID identifies the run.
func (i *Instance) InstanceID() GUID { return i.activation.Instance }

// Task is the registration that runs; several may share one class.
func (i *Instance) Task() *Registration { return i.task }

// TriggerDetails are what the trigger tells: type switch on them.
func (i *Instance) TriggerDetails() Details { return i.activation.Details }

// Occurrence is what the run works on. Be idempotent by its Number: the same
// number always means the same firings.
func (i *Instance) Occurrence() Occurrence { return i.activation.Occurrence }

// Attempt counts the runs of the occurrence, from 1. An earlier one may never
// have been entered.
func (i *Instance) Attempt() int { return i.activation.Attempt }

// LocalFolder is where the application's data goes; it exists and is the user's
// alone.
func (i *Instance) LocalFolder() string { return i.activation.Folder }

// Checkpoint is what an earlier attempt at the occurrence saved, or nil.
func (i *Instance) Checkpoint() []byte {
	if i.activation.Checkpoint == nil {
		return nil
	}
	return slices.Clone(i.activation.Checkpoint.Data)
}

// SaveCheckpoint keeps at most 64 KiB for the next attempt at the occurrence,
// should there be one. It is durable when it returns nil. It works while the run
// is being canceled, too.
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

// Listener is the socket of the task's SocketActivityTrigger, with the connections
// that wait. It is the run's until the run is over, and closed then: what was not
// accepted fires again, and the next run gets it. So accept all that come until
// none has come for a while.
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
	defer file.Close()
	if l, err = net.FileListener(file); err != nil {
		return fail(ErrInternal, err.Error())
	}
	return i.keep(l)
}

// keep makes l the run's listener, unless it has one or is over.
func (i *Instance) keep(l net.Listener) (net.Listener, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case i.over:
		if l != nil {
			l.Close()
		}
		return nil, &Error{Op: "take the listener", Subject: i.task.Name(), Err: ErrInvalid, Detail: "the run is over"}
	case i.listener == nil:
		i.listener = l
	case i.listener != l:
		l.Close() // somebody else was faster
	}
	return i.listener, nil
}

// SetProgress tells how far the run is, in a unit of the application's own.
func (i *Instance) SetProgress(value uint32) {
	i.mu.Lock()
	i.progress = value
	over := i.over
	i.mu.Unlock()
	if !over {
		i.host.Progress(i.InstanceID(), value)
	}
}

// Progress is what SetProgress set.
func (i *Instance) Progress() uint32 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.progress
}

// Canceled has a handler called when the run is told to stop, for code that does
// not look at its context. One that is added late is called at once.
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

// Deferral keeps a run from being over when Run has returned.
type Deferral struct {
	instance *Instance
	once     sync.Once
}

// GetDeferral is for work that outlives Run: the run is over, and its context
// ends, when Run has returned and all deferrals are complete. A Run that waits for
// its work needs none. It is to be called before the run is over.
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

// Complete says that the work is done. Calling it twice is harmless.
func (d *Deferral) Complete() { d.Fail(nil) }

// Fail says that the work ended with an error, which becomes the run's if it is
// the first. A nil error is Complete.
func (d *Deferral) Fail(err error) {
	d.once.Do(func() { d.instance.returned(err) })
}
