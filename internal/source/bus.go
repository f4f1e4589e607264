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

// service is a Source whose facts come from one D-Bus service.
//
// Every service source works in the same way. It opens its own bus connection,
// subscribes to the service's signals, and reads the service's state once. After
// that each signal is only a hint: the state is read again (see hints.go), so the
// facts come from a method call to the service and never from the content of a
// signal. Watch ends with an error when the service leaves the bus.
type service struct {
	bus      string // bus address; "" if there is no such bus
	name     string // well-known name on the bus
	path     string // signals from this object path and below are hints
	activate bool   // whether the bus may start the service
	missing  NotHereError
	read     func(context.Context, *peer) ([]task.Fact, error)
}

var _ Waiter = service{}

// systemBus returns the address of the system bus.
func systemBus() string {
	if a := os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"); a != "" {
		return a
	}
	return "unix:path=/run/dbus/system_bus_socket"
}

// sessionBus returns the address of the user's session bus, or "" if there is
// none. It never launches a bus.
func sessionBus() string {
	if a := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); a != "" && !strings.HasPrefix(a, "autolaunch:") {
		return a
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return "unix:path=" + dbus.EscapeBusAddressValue(dir+"/bus")
	}
	return ""
}

// Watch implements Source. It reads the state, reads it again after every signal,
// and returns when the service leaves the bus.
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

// Wait implements Waiter. It returns nil when the name on the bus has another
// owner than when the service was found missing, or when the answer of the same
// owner may have changed.
func (s service) Wait(ctx context.Context, why *NotHereError) error {
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
		missing := (*NotHereError)(nil)
		if _, err := s.read(ctx, p); !errors.As(err, &missing) {
			return nil
		}
	}
	return p.wait(ctx)
}

// peer is the service as seen from one bus connection.
type peer struct {
	service
	conn  *dbus.Conn
	hints hints
	serve string // unique name of the process that owns the service's name
}

// DeliverSignal implements dbus.SignalHandler. All signals between two reads
// collapse into one hint. Only signals of the service's own interfaces and of the
// standard state interfaces count. Others are ignored, because a service may emit
// signals in response to our calls, and those would keep us reading forever.
func (p *peer) DeliverSignal(iface, member string, _ *dbus.Signal) {
	switch {
	case member == "NameAcquired": // the bus sends this to every new connection
	case iface == busName || strings.HasPrefix(iface, p.name) || slices.Contains(stateInterfaces, iface):
		p.hints.give()
	}
}

var stateInterfaces = []string{"org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"}

// connect opens a connection on which the peer's signals become hints.
func (s service) connect(ctx context.Context) (*peer, error) {
	p := &peer{service: s, hints: newHints()}
	return p, p.open(ctx, p)
}

// open connects to the bus and delivers the service's signals to a handler.
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

// openBus connects to a bus on behalf of a service. If there is no bus, the error
// is missing, extended with the reason.
func openBus(ctx context.Context, address string, missing NotHereError, signals dbus.SignalHandler, more ...dbus.ConnOption) (*dbus.Conn, error) {
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

// noBus returns the error of a service that is missing because its bus is
// missing.
func (e NotHereError) noBus(why, remedy string) error {
	if e.Detail == "" {
		return &NotHereError{Detail: why, Remedy: remedy}
	}
	return &NotHereError{Detail: e.Detail + ": " + why, Remedy: remedy + "; " + e.Remedy}
}

func (p *peer) close() { _ = p.conn.Close() }

// subscribe asks the bus for the service's signals and for changes of its name's
// owner.
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

// wait blocks until there is a hint, ctx ends or the bus disconnects.
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

// owner returns the unique name of the process that owns the service's name. It
// starts the service if that is allowed. If the service does not exist, the error
// is the service's NotHereError.
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

// nameOwner returns the current owner of the service's name without starting the
// service.
func (p *peer) nameOwner(ctx context.Context) (owner string, err error) {
	err = p.call(ctx, busName, busPath, busName+".GetNameOwner", []any{&owner}, p.name)
	return owner, err
}

// activatable reports whether the bus is able to start the service.
func (p *peer) activatable(ctx context.Context) bool {
	var names []string
	err := p.call(ctx, busName, busPath, busName+".ListActivatableNames", []any{&names})
	return err == nil && slices.Contains(names, p.name)
}

// start asks the bus to start the service, and reports whether it did.
func (p *peer) start(ctx context.Context) bool {
	if !p.activatable(ctx) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, activateTimeout)
	defer cancel()
	return p.conn.BusObject().CallWithContext(ctx, busName+".StartServiceByName", 0, p.name, uint32(0)).Err == nil
}

// call calls a method, which never starts a service, and stores its results.
func (p *peer) call(ctx context.Context, dest, path, method string, results []any, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return p.conn.Object(dest, dbus.ObjectPath(path)).
		CallWithContext(ctx, method, dbus.FlagNoAutoStart, args...).Store(results...)
}

// properties reads all properties of an interface in one call, so that the values
// are consistent.
func (p *peer) properties(ctx context.Context, path, iface string) (properties, error) {
	all := properties{}
	err := p.call(ctx, p.name, path, propertiesGet, []any{&all}, iface)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", iface, err)
	}
	return all, nil
}

// explain replaces the error of a failed call with a clearer one where the
// service left, the bus disconnected or the call timed out.
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
		return fmt.Errorf("%s does not respond: %w", p.name, err)
	}
	return err
}

func (p *peer) left() error { return fmt.Errorf("%s left the bus", p.name) }

// notHere returns the error of a service that is running but does not serve this
// machine.
func (p *peer) notHere(detail, remedy string) error {
	return &NotHereError{Detail: detail, Remedy: remedy, owner: p.serve}
}

func isDBusError(err error, names ...string) bool {
	var e dbus.Error
	return errors.As(err, &e) && slices.Contains(names, e.Name)
}

// properties are the properties of a D-Bus interface, by name.
type properties map[string]dbus.Variant

// get returns a property. It returns false if the property is missing or has
// another type.
func get[T any](p properties, name string) (T, bool) {
	v, ok := p[name].Value().(T)
	return v, ok
}

// value returns a property, or the zero value if it is missing or has another
// type.
func value[T any](p properties, name string) T {
	v, _ := get[T](p, name)
	return v
}
