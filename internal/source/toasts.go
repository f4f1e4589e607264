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

// toastSignals is how many signals of the desktop wait to be handled. A user does
// not click faster; more are a storm, and are lost.
const toastSignals = 256

// Toasts shows toasts on the desktop's notification service, and feeds
// ToastNotificationActionTrigger: most desktops tell what the user did to the
// connection that sent the toast, and to nobody else.
type Toasts struct {
	*wishes
	service
	file  string // what is shown, for the next broker
	acted func(ctx context.Context, family string, d task.ToastNotificationActionTriggerDetails)

	mu      sync.Mutex // held while the desktop is asked, so that no signal overtakes its answer
	desktop *desktop   // nil: there is none
	missing error      // why
}

var (
	_ Watcher = (*Toasts)(nil)
	_ Waiter  = (*Toasts)(nil)
)

// NewToasts makes a watcher. What is shown it keeps in file. What the user does with
// a toast of a package is told to acted, which returns when that may be forgotten.
// The bus "" is the user's.
func NewToasts(bus, file string, acted func(ctx context.Context, family string, d task.ToastNotificationActionTriggerDetails)) *Toasts {
	if bus == "" {
		bus = sessionBus()
	}
	return &Toasts{wishes: newWishes(), file: file, acted: acted, missing: errors.New("it is not known yet whether there is a desktop"), service: service{
		bus: bus, name: notifyName, path: notifyPath, missing: NotHere{
			Detail: "no notification service is on the user's bus",
			Remedy: "log in to a desktop, or run a notification daemon (dunst, mako)",
		}}}
}

// Entry implements Watcher.
func (s *Toasts) Entry() Entry {
	return Entry{Name: "notifications", Triggers: []string{task.ToastNotificationActionTrigger{}.Class()}, Source: s}
}

// Check implements Watcher: that there is no desktop is said by the source's state.
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

// open connects to the bus of a desktop that is there, or would be started by the
// first toast.
func (s *Toasts) open(ctx context.Context) (*desktop, error) {
	d := &desktop{peer: peer{service: s.service}, signals: make(signals, toastSignals), file: s.file}
	if err := d.peer.open(ctx, d.signals); err != nil {
		return nil, err
	}
	err := d.arrive(ctx)
	if err != nil {
		d.close()
		return nil, err
	}
	d.load(ctx)
	return d, nil
}

// follow handles what the desktop says until it leaves.
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
		return d.arrive(ctx)
	}
	s.mu.Lock()
	t, details := d.said(sig)
	s.mu.Unlock()
	if details != nil {
		s.acted(ctx, t.Family, *details)
	}
	return nil
}

// Show shows a toast of a package, whose name for people is app. Clicks says that
// somebody listens to clicks.
func (s *Toasts) Show(ctx context.Context, family, app string, t task.Toast, clicks bool) (task.ToastShown, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.desktop == nil {
		return task.ToastShown{}, s.none()
	}
	shown, err := s.desktop.show(ctx, family, app, t, clicks)
	if err != nil {
		return shown, refuse(task.ErrNotSupported, "the desktop does not show the toast: %v", "'bgtask doctor' tells whether a notification service is there", err)
	}
	return shown, nil
}

// Hide takes a toast of a package away; family "" is any. One that is gone is no error.
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
	if missing := (*NotHere)(nil); errors.As(s.missing, &missing) {
		remedy = missing.Remedy
	}
	return refuse(task.ErrNotSupported, "no toast can be shown: %v", remedy, s.missing)
}

// signals takes what comes and never waits.
type signals chan *dbus.Signal

// DeliverSignal implements dbus.SignalHandler.
func (s signals) DeliverSignal(_, _ string, sig *dbus.Signal) {
	select {
	case s <- sig:
	default:
	}
}
