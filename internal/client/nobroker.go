package client

import (
	"context"
	"iter"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// NoBroker is a Broker whose every method fails with Err. Brokers in memory embed it
// for what they do not implement.
type NoBroker struct{ Err error }

var _ Broker = NoBroker{}

// Register fails.
func (n NoBroker) Register(context.Context, task.Spec, Registering) (wire.Registered, error) {
	return wire.Registered{}, n.Err
}

// Unregister fails.
func (n NoBroker) Unregister(context.Context, task.GUID, bool) error { return n.Err }

// Fire fails.
func (n NoBroker) Fire(context.Context, task.GUID, Firing) (uint64, error) { return 0, n.Err }

// Raise fails.
func (n NoBroker) Raise(context.Context, string, []byte) ([]string, error) { return nil, n.Err }

// Cancel fails.
func (n NoBroker) Cancel(context.Context, task.GUID, task.CancellationReason, bool) error {
	return n.Err
}

// Resume fails.
func (n NoBroker) Resume(context.Context, task.GUID) error { return n.Err }

// RequestAccess fails.
func (n NoBroker) RequestAccess(context.Context) (task.AccessStatus, error) { return 0, n.Err }

// ShowToast fails.
func (n NoBroker) ShowToast(context.Context, task.Toast, string) (task.ToastShown, error) {
	return task.ToastShown{}, n.Err
}

// HideToast fails.
func (n NoBroker) HideToast(context.Context, uint32) error { return n.Err }

// PushChannel fails.
func (n NoBroker) PushChannel(context.Context, task.GUID) (task.PushChannel, error) {
	return task.PushChannel{}, n.Err
}

// Tasks fails.
func (n NoBroker) Tasks(context.Context, wire.TaskQuery) ([]task.Info, error) { return nil, n.Err }

// Task fails.
func (n NoBroker) Task(context.Context, task.GUID) (task.Info, error) { return task.Info{}, n.Err }

// Groups fails.
func (n NoBroker) Groups(context.Context) ([]string, error) { return nil, n.Err }

// Why fails.
func (n NoBroker) Why(context.Context, task.GUID) (task.Explanation, error) {
	return task.Explanation{}, n.Err
}

// Facts fails.
func (n NoBroker) Facts(context.Context) ([]task.Fact, []task.SourceState, error) {
	return nil, nil, n.Err
}

// History fails.
func (n NoBroker) History(context.Context, wire.HistoryQuery) iter.Seq2[task.Event, error] {
	return n.events()
}

// Watch fails.
func (n NoBroker) Watch(context.Context, wire.WatchQuery) iter.Seq2[task.Event, error] {
	return n.events()
}

func (n NoBroker) events() iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) { yield(task.Event{}, n.Err) }
}

// LocalFolder fails.
func (n NoBroker) LocalFolder(context.Context) (string, error) { return "", n.Err }

// Attach fails.
func (n NoBroker) Attach(context.Context, bool) (Stream, error) { return nil, n.Err }

// Close does nothing.
func (NoBroker) Close() error { return nil }
