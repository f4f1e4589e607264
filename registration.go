package bgtask

import (
	"context"
	"iter"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Registration is a task as the broker keeps it: it survives crashes, reboots and
// the end of the program.
type Registration struct {
	client *Client
	id     GUID
	spec   task.Spec
}

// TaskID identifies the registration for ever.
func (r *Registration) TaskID() GUID { return r.id }

// Name is the task's; several may have the same, unless they came from Ensure.
func (r *Registration) Name() string { return r.spec.Name }

// Spec reads back what was registered, the trigger too.
func (r *Registration) Spec() Builder { return builderOf(r.spec, r.client) }

// Request fires the task, with arguments of at most 64 KiB for its Run, and gives
// the occurrence's number. Its conditions still hold it. With an
// ApplicationTrigger it fails with ErrCurrentlyRunning while one is pending or
// running and there is no Queue, and with ErrQueueFull when the Queue is full.
func (r *Registration) Request(ctx context.Context, arguments []byte) (uint64, error) {
	if n := len(arguments); n > task.MaxPayload {
		return 0, tooLarge("request", r.Name(), "the arguments", n)
	}
	broker, err := r.client.connect()
	if err != nil {
		return 0, err
	}
	_, own := r.spec.Trigger.(ApplicationTrigger)
	return broker.Fire(ctx, r.id, client.Firing{Arguments: arguments, ByHand: !own})
}

// Cancel cancels the live run with a reason, if there is one.
func (r *Registration) Cancel(ctx context.Context, reason CancellationReason) error {
	return r.client.do(func(b client.Broker) error { return b.Cancel(ctx, r.id, reason, false) })
}

// Resume ends a suspension or a back-off.
func (r *Registration) Resume(ctx context.Context) error {
	return r.client.do(func(b client.Broker) error { return b.Resume(ctx, r.id) })
}

// Unregister removes the registration. A live run finishes, or with cancelTask is
// canceled with Abort.
func (r *Registration) Unregister(ctx context.Context, cancelTask bool) error {
	return r.client.do(func(b client.Broker) error { return b.Unregister(ctx, r.id, cancelTask) })
}

// State is what the task is doing now; its String is the STATE column of
// "bgtask list".
func (r *Registration) State(ctx context.Context) (State, error) {
	info, err := r.info(ctx)
	return info.State, err
}

// LastRun is the last run that ended: the zero Run when it has never run.
func (r *Registration) LastRun(ctx context.Context) (Run, error) {
	info, err := r.info(ctx)
	if err != nil || info.LastRun == nil {
		return Run{}, err
	}
	return *info.LastRun, nil
}

func (r *Registration) info(ctx context.Context) (info task.Info, err error) {
	err = r.client.do(func(b client.Broker) error {
		info, err = b.Task(ctx, r.id)
		return err
	})
	return info, err
}

// Why explains why the task does not run, or why it does; its String is the output
// of "bgtask why".
func (r *Registration) Why(ctx context.Context) (why *Explanation, err error) {
	err = r.client.do(func(b client.Broker) error {
		e, err := b.Why(ctx, r.id)
		why = &e
		return err
	})
	if err != nil {
		return nil, err
	}
	return why, nil
}

// History reads the runs that ended, newest first.
func (r *Registration) History(ctx context.Context) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		broker, err := r.client.connect()
		if err != nil {
			yield(Run{}, err)
			return
		}
		for event, err := range broker.History(ctx, wire.HistoryQuery{TaskID: r.id, Kinds: []EventKind{EventEnded}}) {
			switch {
			case err != nil:
				yield(Run{}, err)
				return
			case event.Run != nil && !yield(*event.Run, nil):
				return
			}
		}
	}
}

// Watch tells what happens to this task, as Client.Watch does of all.
func (r *Registration) Watch(ctx context.Context, since Cursor) iter.Seq2[Event, error] {
	return r.client.watch(ctx, wire.WatchQuery{Since: since, TaskID: r.id})
}
