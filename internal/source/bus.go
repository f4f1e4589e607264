//go:build linux

package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/task"
)

const (
	callTimeout     = 10 * time.Second
	activateTimeout = 30 * time.Second // the bus's own is 25 s
)

const (
	busName       = "org.freedesktop.DBus"
	busPath       = "/org/freedesktop/DBus"
	errNoOwner    = "org.freedesktop.DBus.Error.NameHasNoOwner"
	propertiesGet = "org.freedesktop.DBus.Properties.GetAll"
)

// service is a source of the facts that a D-Bus service knows.
type service struct {
	bus      string // the address; "" when there is no such bus
	name     string // on the bus
	path     string // signals from there and below are hints
	activate bool   // the bus may start it
	missing  NotHere
	read     func(context.Context, *peer) ([]task.Fact, error)
}

var _ Waiter = service{}

// systemBus is the address of the system's bus.
func systemBus() string {
	if a := os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"); a != "" {
		return a
	}
	return "unix:path=/run/dbus/system_bus_socket"
}

// sessionBus is the address of the user's bus. It is never launched.
func sessionBus() string {
	if a := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); a != "" && !strings.HasPrefix(a, "autolaunch:") {
		return a
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return "unix:path=" + dbus.EscapeBusAddressValue(dir+"/bus")
	}
	return ""
}

// Watch implements Source: it reads now and after every signal, until the
// service leaves the bus.
func (s service) Watch(ctx context.Context, report func(...task.Fact)) error {
	p, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	if p.serve, err = p.owner(ctx); err != nil {
		return err
	}
	for {
		facts, err := s.read(ctx, p)
		if err != nil {
			return p.explain(ctx, err)
		}
		report(facts...)
		if !sleep(ctx, readEvery) {
			return ctx.Err()
		}
		if err := p.wait(ctx); err != nil {
			return err
		}
		if now, err := p.nameOwner(ctx); err != nil || now != p.serve {
			return p.left()
		}
	}
}

// Wait implements Waiter: another process has the name on the bus than when the
// service was found missing, or what it says may have changed.
func (s service) Wait(ctx context.Context, why *NotHere) error {
	p, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer p.close()
	p.serve, err = p.nameOwner(ctx)
	if err != nil && !isDBusError(err, errNoOwner) {
		return err
	}
	if p.serve != why.owner {
		return nil
	}
	if p.serve != "" {
		missing := (*NotHere)(nil)
		if _, err := s.read(ctx, p); !errors.As(err, &missing) {
			return nil
		}
	}
	return p.wait(ctx)
}

// peer is the service on a connection of our own.
type peer struct {
	service
	conn  *dbus.Conn
	hints hints
	serve string // the unique name of the process that serves
}

// DeliverSignal implements dbus.SignalHandler: all signals between two reads are
// one hint. Those of interfaces that are not the service's own, nor the standard
// ones of its state, are none: what it says of our calls would keep us reading.
func (p *peer) DeliverSignal(iface, member string, _ *dbus.Signal) {
	switch {
	case member == "NameAcquired": // that is the bus's greeting
	case iface == busName || strings.HasPrefix(iface, p.name) || slices.Contains(stateInterfaces, iface):
		p.hints.give()
	}
}

var stateInterfaces = []string{"org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"}

func (s service) connect(ctx context.Context) (*peer, error) {
	p := &peer{service: s, hints: newHints()}
	return p, p.open(ctx, p)
}

// open connects, and subscribes for a handler of signals.
func (p *peer) open(ctx context.Context, signals dbus.SignalHandler) error {
	conn, err := openBus(ctx, p.bus, p.missing, signals)
	if err != nil {
		return err
	}
	p.conn = conn
	if err := p.subscribe(ctx); err != nil {
		p.close()
		return err
	}
	return nil
}

// openBus connects for a service, of which missing tells what it is not to have it.
func openBus(ctx context.Context, address string, missing NotHere, signals dbus.SignalHandler, more ...dbus.ConnOption) (*dbus.Conn, error) {
	if address == "" {
		return nil, missing.noBus("there is no session bus", startSession)
	}
	conn, err := dbus.Connect(address, append(more, dbus.WithContext(ctx), dbus.WithSignalHandler(signals))...)
	if errors.Is(err, os.ErrNotExist) {
		remedy := "install and start dbus"
		if address == sessionBus() {
			remedy = startSession
		}
		return nil, missing.noBus("there is no D-Bus at "+address, remedy)
	}
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return conn, nil
}

const startSession = "install dbus-user-session, and log in again"

// noBus says that the service is missing with the bus that it would be on.
func (e NotHere) noBus(why, remedy string) error {
	if e.Detail == "" {
		return &NotHere{Detail: why, Remedy: remedy}
	}
	return &NotHere{Detail: e.Detail + ": " + why, Remedy: remedy + "; " + e.Remedy}
}

func (p *peer) close() { _ = p.conn.Close() }

// subscribe asks for the signals of the service and for its coming and going.
func (p *peer) subscribe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := p.conn.AddMatchSignalContext(ctx, dbus.WithMatchSender(busName), dbus.WithMatchInterface(busName),
		dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, p.name))
	if err == nil {
		err = p.conn.AddMatchSignalContext(ctx, dbus.WithMatchSender(p.name),
			dbus.WithMatchPathNamespace(dbus.ObjectPath(p.path)))
	}
	if err != nil {
		return fmt.Errorf("subscribe to %s: %w", p.name, err)
	}
	return nil
}

// wait blocks until something changed.
func (p *peer) wait(ctx context.Context) error {
	select {
	case <-p.hints:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.conn.Context().Done():
		return errors.New("the bus went away")
	}
}

// owner is the unique name of the running service, which is started if it may
// be. Without one the error is the service's NotHere.
func (p *peer) owner(ctx context.Context) (string, error) {
	owner, err := p.nameOwner(ctx)
	if isDBusError(err, errNoOwner) && p.activate && p.start(ctx) {
		owner, err = p.nameOwner(ctx)
	}
	if isDBusError(err, errNoOwner) {
		missing := p.missing
		return "", &missing
	}
	if err != nil {
		return "", fmt.Errorf("ask the bus for %s: %w", p.name, err)
	}
	return owner, nil
}

func (p *peer) nameOwner(ctx context.Context) (owner string, err error) {
	err = p.call(ctx, busName, busPath, busName+".GetNameOwner", []any{&owner}, p.name)
	return owner, err
}

// activatable says whether the bus could start the service.
func (p *peer) activatable(ctx context.Context) bool {
	var names []string
	err := p.call(ctx, busName, busPath, busName+".ListActivatableNames", []any{&names})
	return err == nil && slices.Contains(names, p.name)
}

// start says whether the bus started the service.
func (p *peer) start(ctx context.Context) bool {
	if !p.activatable(ctx) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, activateTimeout)
	defer cancel()
	return p.conn.BusObject().CallWithContext(ctx, busName+".StartServiceByName", 0, p.name, uint32(0)).Err == nil
}

// call calls a method and stores its results.
func (p *peer) call(ctx context.Context, dest, path, method string, results []any, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return p.conn.Object(dest, dbus.ObjectPath(path)).
		CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...).Store(results...)
}

// properties reads all of an interface's at once, so that they fit together.
func (p *peer) properties(ctx context.Context, path, iface string) (properties, error) {
	all := properties{}
	err := p.call(ctx, p.name, path, propertiesGet, []any{&all}, iface)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", iface, err)
	}
	return all, nil
}

// explain says that the service left when that is why a call failed.
func (p *peer) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if !p.conn.Connected() {
		return errors.New("the bus went away")
	}
	if isDBusError(err, errNoOwner, "org.freedesktop.DBus.Error.ServiceUnknown",
		"org.freedesktop.DBus.Error.NoReply") {
		return p.left()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s does not answer: %w", p.name, err)
	}
	return err
}

func (p *peer) left() error { return fmt.Errorf("%s left the bus", p.name) }

// notHere is for a service that runs and yet does not serve here.
func (p *peer) notHere(detail, remedy string) error {
	return &NotHere{Detail: detail, Remedy: remedy, owner: p.serve}
}

func isDBusError(err error, names ...string) bool {
	var e dbus.Error
	return errors.As(err, &e) && slices.Contains(names, e.Name)
}

// properties are those of a D-Bus interface.
type properties map[string]dbus.Variant

// get reads a property; false when it is missing or of another type.
func get[T any](p properties, name string) (T, bool) {
	v, ok := p[name].Value().(T)
	return v, ok
}

// value reads a property; the zero value when it is missing.
func value[T any](p properties, name string) T {
	v, _ := get[T](p, name)
	return v
}
