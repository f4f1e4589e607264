package bgtask

import (
	"context"
	"iter"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Registration is a task that the broker keeps. It survives crashes, reboots and the
// end of the program. It is safe for concurrent use. Its methods ask the broker, and
// fail with ErrNotRegistered when the registration has been removed.
type Registration struct {
	client *Client
	id     GUID
	spec   task.Spec
}

// TaskID returns the identity of the registration. It never changes and is never
// reused.
func (r *Registration) TaskID() GUID { return r.id }

// Name returns the name of the task. Registrations made with Register may share a
// name; Ensure keeps it unique.
func (r *Registration) Name() string { return r.spec.Name }

// Spec returns what was registered, with the trigger and every option.
func (r *Registration) Spec() Builder { return builderOf(r.spec, r.client) }

// Request fires the task and returns the number of its occurrence. Run receives the
// arguments: in ApplicationTriggerDetails if the task has an ApplicationTrigger,
// otherwise in ManualDetails. The conditions must still hold before it runs.
//
// Arguments over 64 KiB fail with ErrLimit. With an ApplicationTrigger, Request fails
// with ErrCurrentlyRunning if the task has no Queue and an earlier request is pending
// or running, and with ErrQueueFull if its Queue is full.
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

// Cancel cancels the live run and returns without waiting for its end. If no run is
// live, it fails with ErrInvalid.
//
// The reason decides what becomes of the occurrence:
//   - ReasonAbort, ReasonIdleTask, ReasonUninstall: it ends; nothing is repeated;
//   - ReasonConditionLoss, ReasonResourceRevocation, ReasonEnergySaver: it is pending
//     again, and starts when its conditions have held for a while;
//   - any other: it is pending again, and starts as soon as its conditions hold.
//
// A Run that returns nil after a cancel has completed its occurrence all the same.
func (r *Registration) Cancel(ctx context.Context, reason CancellationReason) error {
	return r.client.do(func(b client.Broker) error { return b.Cancel(ctx, r.id, reason, false) })
}

// Resume ends a suspension or a back-off, so that a pending occurrence can start as
// soon as its conditions hold.
func (r *Registration) Resume(ctx context.Context) error {
	return r.client.do(func(b client.Broker) error { return b.Resume(ctx, r.id) })
}

// Unregister removes the registration and what is pending. A live run finishes, or, if
// cancelTask is true, is canceled with ReasonAbort.
func (r *Registration) Unregister(ctx context.Context, cancelTask bool) error {
	return r.client.do(func(b client.Broker) error { return b.Unregister(ctx, r.id, cancelTask) })
}

// State returns what the task is doing now. Its String is the STATE column of
// "bgtask list".
func (r *Registration) State(ctx context.Context) (State, error) {
	info, err := r.info(ctx)
	return info.State, err
}

// LastRun returns the last run that ended, or the zero Run if none has.
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

// Why explains why the task is, or is not, running. Its String is the output of
// "bgtask why".
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

// History returns the runs that have ended, newest first, as far back as the broker
// keeps them.
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

// Watch returns the events of this task, as Client.Watch does for all tasks.
func (r *Registration) Watch(ctx context.Context, since Cursor) iter.Seq2[Event, error] {
	return r.client.watch(ctx, wire.WatchQuery{Since: since, TaskID: r.id})
}
