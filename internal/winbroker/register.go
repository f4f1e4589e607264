package winbroker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/internal/winrt"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Validate refuses what Windows does not support.
func (b *Broker) Validate(spec task.Spec) error { return spec.ValidateForWindows() }

// Register registers a valid task. With Ensure, a task that is registered with an equal
// spec is left untouched, because registering it again would restart its timer.
func (b *Broker) Register(ctx context.Context, spec task.Spec, how client.Registering) (wire.Registered, error) {
	a, err := b.open("register")
	if err != nil {
		return wire.Registered{}, err
	}
	if err := b.mayRegister(ctx, spec.Name); err != nil {
		return wire.Registered{}, err
	}
	named, err := b.named(spec.Name, spec.Group)
	switch {
	case err != nil:
		return wire.Registered{}, winrt.Explain("register", spec.Name, err)
	case how.Unique && len(named) > 0:
		return wire.Registered{}, &task.Error{Op: "register", Subject: spec.Name, Err: task.ErrConflict, Detail: "a task with this name exists", Hint: "choose another name, or use Ensure"}
	case how.Ensure && len(named) > 0:
		return b.ensure(a, spec, named)
	}
	id, err := b.add(a, spec, time.Now())
	return wire.Registered{TaskID: id, Change: wire.Added}, err
}

// mayRegister requests access, which Windows requires before a task is registered.
func (b *Broker) mayRegister(ctx context.Context, name string) error {
	status, err := b.system.RequestAccess(ctx)
	switch {
	case errors.Is(err, com.ClassNotRegistered), errors.Is(err, com.ClassNotAvailable):
		return nil // a Windows without the manager has no access control
	case err != nil:
		return winrt.Explain("register", name, err)
	case status == task.DeniedBySystemPolicy || status == task.DeniedByUser:
		return &task.Error{Op: "register", Subject: name, Err: task.ErrAccessDenied, Detail: "background access is " + status.String(),
			Hint: "Settings, Apps, the application, Advanced options: allow background activity"}
	}
	return nil
}

// named returns the registrations with the name in the group.
func (b *Broker) named(name, group string) ([]winrt.Registered, error) {
	all, err := b.system.Tasks()
	return slices.DeleteFunc(all, func(r winrt.Registered) bool { return r.Name != name || r.Group != group }), err
}

// add makes a new registration.
func (b *Broker) add(a *application, spec task.Spec, since time.Time) (task.GUID, error) {
	id, err := b.system.Register(spec)
	if err != nil {
		return task.GUID{}, winrt.Explain("register", spec.Name, err)
	}
	if err := a.records.register(id, registration{Registered: since, Spec: spec}); err != nil {
		_, undo := b.system.Unregister(id, false)
		return task.GUID{}, errors.Join(unwritable("register", a.records.dir(id), err), winrt.Explain("register", spec.Name, undo))
	}
	return id, nil
}

// known is a registration with its record.
type known struct {
	id   task.GUID
	kept registration
	ok   bool // a record exists
}

// ensure keeps the oldest registration with an equal spec and removes the others. If
// there is none, it makes a new one.
func (b *Broker) ensure(a *application, spec task.Spec, named []winrt.Registered) (wire.Registered, error) {
	var all []known
	for _, r := range named {
		k := known{id: r.ID}
		k.kept, k.ok = a.records.registration(r.ID)
		all = append(all, k)
	}
	slices.SortStableFunc(all, func(x, y known) int { // one without a record goes last
		if x.ok != y.ok {
			return cmp.Compare(btoi(y.ok), btoi(x.ok))
		}
		return x.kept.Registered.Compare(y.kept.Registered)
	})
	if i := slices.IndexFunc(all, func(k known) bool { return k.ok && k.kept.Spec.Equal(spec) }); i >= 0 {
		same := all[i]
		removed, err := b.remove(a, slices.Delete(all, i, i+1))
		return wire.Registered{TaskID: same.id, Change: wire.Unchanged, Replaced: removed}, err
	}
	return b.renew(a, spec, all)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// renew makes a new registration and then removes the old ones: if Windows refuses the
// new one, the old ones stay. Where Windows allows only one registration, the order is
// reversed.
func (b *Broker) renew(a *application, spec task.Spec, old []known) (wire.Registered, error) {
	since := old[0].kept.Registered
	if since.IsZero() {
		since = time.Now()
	}
	id, err := b.add(a, spec, since)
	if errors.Is(err, com.NotEnoughQuota) {
		id, err = b.exchange(a, spec, old, since)
	}
	if err != nil {
		return wire.Registered{}, err
	}
	b.inherit(a, old[0].id, id, spec, since)
	removed, err := b.remove(a, old)
	return wire.Registered{TaskID: id, Change: wire.Updated, Replaced: removed}, err
}

// exchange removes the old registrations first. If the new one is then refused, the
// oldest of them is registered again.
func (b *Broker) exchange(a *application, spec task.Spec, old []known, since time.Time) (task.GUID, error) {
	for _, k := range old {
		if _, err := b.system.Unregister(k.id, false); err != nil {
			return task.GUID{}, winrt.Explain("register", spec.Name, err)
		}
	}
	id, err := b.add(a, spec, since)
	if err != nil && old[0].ok {
		_, again := b.add(a, old[0].kept.Spec, since)
		err = errors.Join(err, again)
	}
	return id, err
}

// inherit moves the records of the old registration to the new one.
func (b *Broker) inherit(a *application, from, to task.GUID, spec task.Spec, since time.Time) {
	err := a.records.forget(to)
	if err == nil {
		err = a.records.move(from, to)
	}
	if err := errors.Join(err, a.records.register(to, registration{Registered: since, Spec: spec})); err != nil {
		b.logger.Warn("bgtask: the history of a changed task could not be kept", "task", spec.Name, "error", err)
	}
}

// remove unregisters tasks. Live runs continue.
func (b *Broker) remove(a *application, all []known) (removed []task.GUID, err error) {
	for _, k := range all {
		found, failed := b.system.Unregister(k.id, false)
		if failed != nil {
			err = errors.Join(err, winrt.Explain("register", k.kept.Spec.Name, failed))
			continue
		}
		if found {
			removed = append(removed, k.id)
		}
		err = errors.Join(err, a.records.forget(k.id))
	}
	return removed, err
}
