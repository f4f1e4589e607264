//go:build linux

package watch

import (
	"context"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/source"
	"github.com/bgtask/bgtask/task"
)

// Toasts returns the watcher that shows and hides toasts.
func (w *Watches) Toasts() *source.Toasts { return w.toasts }

// Push returns the watcher that has the channels of push messages.
func (w *Watches) Push() *source.Push { return w.push }

// ToastTakers returns the registrations of a package that an action on a toast with this
// tag fires.
func (w *Watches) ToastTakers(ctx context.Context, family, tag string) (ids []task.GUID, err error) {
	err = w.Loop.Query(ctx, func(state loop.State, now engine.Instant) {
		for _, info := range state.Tasks(now, engine.Filter{Package: family, All: true}) {
			t, ok := info.Spec.Trigger.(task.ToastNotificationActionTrigger)
			if ok && (t.Tag == "" || t.Tag == tag) {
				ids = append(ids, info.TaskID)
			}
		}
	})
	return ids, err
}

// acted fires the registrations that take the user's action on a toast.
func (w *Watches) acted(ctx context.Context, family string, d task.ToastNotificationActionTriggerDetails) {
	if n := len(d.UserInput); n > task.MaxPayload {
		w.Log.Warn("the answer to a toast is lost: it is too long", "package", family, "toast", d.ID, "bytes", n)
		return
	}
	takers, err := w.ToastTakers(ctx, family, d.Tag)
	if err != nil || len(takers) == 0 {
		w.Log.Warn("the action on a toast is lost: no task takes it", "package", family, "toast", d.ID, "action", d.Action, "err", err)
		return
	}
	for _, id := range takers {
		if err := w.Fired(id, d); err != nil {
			w.Log.Warn("the action on a toast is lost", "task", id, "toast", d.ID, "action", d.Action, "err", err)
		}
	}
}
