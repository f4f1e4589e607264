//go:build linux

package source

import (
	"context"
	"errors"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/task"
)

const (
	notifyName = "org.freedesktop.Notifications"
	notifyPath = "/org/freedesktop/Notifications"
)

// toastSignals is the number of signals that may wait to be handled. A user does
// not click faster. If more arrive, it is a storm, and they are dropped.
const toastSignals = 256

// Toasts shows toasts with the desktop's notification service and feeds
// ToastNotificationActionTrigger. Most desktops report what the user did only to
// the connection that sent the toast, so one object does both.
type Toasts struct {
	*wishes
	service
	file  string // list of the toasts shown, for the next broker
	acted func(ctx context.Context, family string, d task.ToastNotificationActionTriggerDetails)

	mu      sync.Mutex // held during calls to the desktop, so that no signal is handled before the call returns
	desktop *desktop   // nil if there is none
	missing error      // why desktop is nil
}

var (
	_ Watcher = (*Toasts)(nil)
	_ Waiter  = (*Toasts)(nil)
)

// NewToasts returns a watcher that stores the list of shown toasts in file. When
// the user acts on a toast of a package, it calls acted, which returns when the
// action may be forgotten. An empty bus means the user's session bus.
func NewToasts(bus, file string, acted func(ctx context.Context, family string, d task.ToastNotificationActionTriggerDetails)) *Toasts {
	if bus == "" {
		bus = sessionBus()
	}
	return &Toasts{wishes: newWishes(), file: file, acted: acted, missing: errors.New("the notification service has not been looked up yet"), service: service{
		bus: bus, name: notifyName, path: notifyPath, missing: NotHereError{
			Detail: "there is no notification service on the session bus",
			Remedy: "log in to a desktop, or run a notification daemon (dunst, mako)",
		}}}
}

// Entry implements Watcher.
func (s *Toasts) Entry() Entry {
	return Entry{Name: "notifications", Triggers: []string{task.ToastNotificationActionTrigger{}.Class()}, Source: s}
}

// Check implements Watcher. It accepts every trigger; whether there is a desktop
// is part of the source's state.
func (s *Toasts) Check(task.Trigger) error { return nil }

// Watch implements Source.
func (s *Toasts) Watch(ctx context.Context, report func(...task.Fact)) error {
	d, err := s.open(ctx)
	if err != nil {
		s.use(nil, err)
		return err
	}
	defer d.close()
	s.use(d, nil)
	report()
	err = s.follow(ctx, d)
	s.use(nil, err)
	return err
}

func (s *Toasts) use(d *desktop, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.desktop, s.missing = d, why
}

// open connects to the bus. It fails if no desktop serves notifications and the
// first toast could not start one.
func (s *Toasts) open(ctx context.Context) (*desktop, error) {
	d := &desktop{peer: peer{service: s.service}, signals: make(signals, toastSignals), file: s.file}
	if err := d.open(ctx, d.signals); err != nil {
		return nil, err
	}
	err := d.checkOwner(ctx)
	if err != nil {
		d.close()
		return nil, err
	}
	d.load(ctx)
	return d, nil
}

// follow handles the desktop's signals until it leaves the bus.
func (s *Toasts) follow(ctx context.Context, d *desktop) error {
	for {
		select {
		case sig := <-d.signals:
			if err := s.handle(ctx, d, sig); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-d.conn.Context().Done():
			return errors.New("the bus went away")
		}
	}
}

func (s *Toasts) handle(ctx context.Context, d *desktop, sig *dbus.Signal) error {
	if sig.Name == busName+".NameOwnerChanged" {
		s.mu.Lock()
		defer s.mu.Unlock()
		return d.checkOwner(ctx)
	}
	s.mu.Lock()
	t, details := d.readSignal(sig)
	s.mu.Unlock()
	if details != nil {
		s.acted(ctx, t.Family, *details)
	}
	return nil
}

// Show shows a toast of the package family under the display name app. Clicks
// says whether clicks on the body are wanted.
func (s *Toasts) Show(ctx context.Context, family, app string, t task.Toast, clicks bool) (task.ToastShown, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.desktop == nil {
		return task.ToastShown{}, s.none()
	}
	shown, err := s.desktop.show(ctx, family, app, t, clicks)
	if err != nil {
		return shown, refuse(task.ErrNotSupported, "the desktop did not show the toast: %v", "run 'bgtask doctor' to check the notification service", err)
	}
	return shown, nil
}

// Hide removes a toast of a package. An empty family matches any package. It is
// no error if the toast is gone already.
func (s *Toasts) Hide(ctx context.Context, family string, id uint32) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.desktop == nil {
		return s.none()
	}
	return s.desktop.hide(ctx, family, id)
}

func (s *Toasts) none() error {
	remedy := "log in to a desktop"
	if missing := (*NotHereError)(nil); errors.As(s.missing, &missing) {
		remedy = missing.Remedy
	}
	return refuse(task.ErrNotSupported, "cannot show toasts: %v", remedy, s.missing)
}

// signals queues signals without ever blocking the connection. If it is full,
// signals are dropped.
type signals chan *dbus.Signal

// DeliverSignal implements dbus.SignalHandler.
func (s signals) DeliverSignal(_, _ string, sig *dbus.Signal) {
	select {
	case s <- sig:
	default:
	}
}
