//go:build linux

package broker

import (
	"cmp"
	"context"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// ShowToast shows a toast of the caller's package. One that asks something of the
// user needs a task that takes the answer.
func (s *service) ShowToast(ctx context.Context, m *pb.ShowToastRequest) (*pb.ShowToastResponse, error) {
	b := s.broker
	r, err := wire.ShowToastRequestFrom(m)
	if err != nil {
		return nil, err
	}
	w, err := b.who(ctx)
	if err != nil {
		return nil, err
	}
	family, err := w.scope(cmp.Or(r.Package, w.family))
	if err != nil {
		return nil, err
	}
	takers, err := b.toastTakers(ctx, family, r.Toast.Tag)
	if err != nil {
		return nil, err
	}
	if r.Toast.Acts() && len(takers) == 0 {
		return nil, &task.Error{Subject: family, Err: task.ErrNotRegistered, Detail: "nothing would happen when the user acts on the toast: no task of the package has a ToastNotificationActionTrigger for it",
			Hint: "register one first; for a command: bgtask add NAME --on toast -- COMMAND"}
	}
	shown, err := b.watches.toasts.Show(ctx, family, b.nameForPeople(ctx, family), r.Toast, len(takers) > 0)
	return &pb.ShowToastResponse{Id: shown.ID, Warnings: shown.Warnings}, err
}

// HideToast takes a toast of the caller's package away.
func (s *service) HideToast(ctx context.Context, m *pb.HideToastRequest) (*pb.HideToastResponse, error) {
	w, err := s.broker.who(ctx)
	if err != nil {
		return nil, err
	}
	family, err := w.scope("")
	if err != nil {
		return nil, err
	}
	return &pb.HideToastResponse{}, s.broker.watches.toasts.Hide(ctx, family, m.GetId())
}

// toastTakers are the registrations of a package which an action on a toast fires.
func (b *broker) toastTakers(ctx context.Context, family, tag string) (ids []task.GUID, err error) {
	err = b.query(ctx, func(now engine.Instant) {
		for _, info := range b.engine.Tasks(now, engine.Filter{Package: family, All: true}) {
			t, ok := info.Spec.Trigger.(task.ToastNotificationActionTrigger)
			if ok && (t.Tag == "" || t.Tag == tag) {
				ids = append(ids, info.TaskID)
			}
		}
	})
	return ids, err
}

// acted fires what takes an action on a toast.
func (w *watches) acted(ctx context.Context, family string, d task.ToastNotificationActionTriggerDetails) {
	b := w.broker
	if n := len(d.UserInput); n > task.MaxPayload {
		b.log.Warn("an answer to a toast is lost: it is too long", "package", family, "toast", d.ID, "bytes", n)
		return
	}
	takers, err := b.toastTakers(ctx, family, d.Tag)
	if err != nil || len(takers) == 0 {
		b.log.Warn("an action on a toast is lost: no task takes it", "package", family, "toast", d.ID, "action", d.Action, "err", err)
		return
	}
	for _, id := range takers {
		if err := w.Fired(id, d); err != nil {
			b.log.Warn("an action on a toast is lost", "task", id, "toast", d.ID, "action", d.Action, "err", err)
		}
	}
}

// nameForPeople is the name of a package as the user knows it.
func (b *broker) nameForPeople(ctx context.Context, family string) string {
	name := family
	if all, err := b.packages(ctx); err == nil {
		for _, p := range all {
			if p.Family == family {
				name = cmp.Or(p.DisplayName, p.Name, family)
			}
		}
	}
	if family == task.CommandPackage {
		return "bgtask"
	}
	return name
}
