//go:build linux

package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// The names of UnifiedPush's specification for D-Bus, versions 0.2 and 0.3, and
// ours in it.
const (
	connectorName     = "io.github.bgtask.Broker"
	connectorPath     = "/org/unifiedpush/Connector"
	connectorIface    = "org.unifiedpush.Connector"
	distributorPrefix = "org.unifiedpush.Distributor."
	distributorPath   = "/org/unifiedpush/Distributor"
	distributorIface  = "org.unifiedpush.Distributor"
)

var noDistributor = NotHere{Detail: "no push distributor is on the user's bus", Remedy: "install one of UnifiedPush, such as KUnifiedPush"}

// connector is our side on a connection to the bus.
type connector struct {
	*Push
	conn        *dbus.Conn
	hints       hints
	distributor string // name on the bus
	serve       string // unique name of the process that it is; "": it would be started

	turns  *turns
	places chan struct{}
	calls  sync.WaitGroup

	mu         sync.Mutex           // guards what follows, and calls.Add before calls.Wait
	registered map[string]bool      // tokens that this process knows
	drops      map[string]time.Time // when it dropped one by itself
	held       map[string]time.Time // not to be registered before
	closed     bool
}

// connect finds a distributor and makes us reachable for it.
func (s *Push) connect(ctx context.Context) (*connector, error) {
	c := &connector{Push: s, hints: s.hints, registered: map[string]bool{}, drops: map[string]time.Time{}, held: map[string]time.Time{}, turns: newTurns(connectorMethods), places: make(chan struct{}, messagesAtOnce)}
	var err error
	if c.conn, err = openBus(ctx, s.bus, noDistributor, c, dbus.WithIncomingInterceptor(c.turns.note)); err != nil {
		return nil, err
	}
	if err = c.begin(ctx); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *connector) begin(ctx context.Context) error {
	if err := c.subscribe(ctx); err != nil {
		return err
	}
	names, err := c.names(ctx)
	if err != nil {
		return err
	}
	if c.distributor, err = c.choose(names); err != nil {
		return err
	}
	if err := c.move(ctx, names); err != nil {
		return err
	}
	if err := c.export(); err != nil {
		return err
	}
	reply, err := c.conn.RequestName(connectorName, dbus.NameFlagDoNotQueue)
	if err != nil {
		return fmt.Errorf("take the name %s: %w", connectorName, err)
	}
	if reply != dbus.RequestNameReplyPrimaryOwner && reply != dbus.RequestNameReplyAlreadyOwner {
		return fmt.Errorf("another broker on this bus has the name %s and receives the push messages", connectorName)
	}
	return nil
}

func (c *connector) subscribe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err := c.conn.AddMatchSignalContext(ctx, dbus.WithMatchSender(busName), dbus.WithMatchInterface(busName),
		dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg0Namespace(strings.TrimSuffix(distributorPrefix, ".")))
	if err != nil {
		return fmt.Errorf("subscribe to distributors: %w", err)
	}
	return nil
}

// DeliverSignal implements dbus.SignalHandler: a distributor came or went.
func (c *connector) DeliverSignal(_, member string, _ *dbus.Signal) {
	if member == "NameOwnerChanged" {
		c.hints.give()
	}
}

// ended tells when the bus went away.
func (c *connector) ended() <-chan error {
	gone := make(chan error, 1)
	context.AfterFunc(c.conn.Context(), func() { gone <- errors.New("the bus went away") })
	return gone
}

// close ends the connection and waits for the messages that are on their way.
func (c *connector) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	_ = c.conn.Close()
	c.calls.Wait()
}

// names are the distributors that run or would be started.
func (c *connector) names(ctx context.Context) ([]string, error) {
	var running, could []string
	err := errors.Join(
		c.call(ctx, busName, busPath, busName+".ListNames", []any{&running}),
		c.call(ctx, busName, busPath, busName+".ListActivatableNames", []any{&could}))
	all := slices.DeleteFunc(append(running, could...), func(name string) bool { return !strings.HasPrefix(name, distributorPrefix) })
	slices.Sort(all)
	return slices.Compact(all), err
}

// choose takes the distributor that the user has chosen, else the one that brings
// messages already: another one means other addresses, so it is not changed by
// itself.
func (c *connector) choose(names []string) (string, error) {
	c.Push.mu.Lock()
	before := c.book.Distributor
	if len(c.book.Channels) == 0 {
		before = ""
	}
	c.Push.mu.Unlock()
	has := func(name string) bool { return slices.Contains(names, name) }
	switch {
	case c.prefer != "" && has(c.prefer):
		return c.prefer, nil
	case c.prefer != "" && has(distributorPrefix+c.prefer):
		return distributorPrefix + c.prefer, nil
	case c.prefer != "":
		return "", &NotHere{Detail: "the push distributor " + c.prefer + " is not on the user's bus", Remedy: "start it, or name another one: push_distributor in config.toml"}
	case before != "" && !has(before):
		return "", &NotHere{Detail: "the push distributor " + before + ", which brought messages before, is not on the user's bus", Remedy: "start it, or name another one: push_distributor in config.toml"}
	case before != "":
		return before, nil
	case len(names) > 0:
		return names[0], nil
	}
	missing := noDistributor
	return "", &missing
}

// move takes leave of the distributor before, when the user has chosen another one.
func (c *connector) move(ctx context.Context, names []string) error {
	c.Push.mu.Lock()
	before, channels := c.book.Distributor, maps.Clone(c.book.Channels)
	c.Push.mu.Unlock()
	if before == c.distributor {
		return nil
	}
	if slices.Contains(names, before) {
		old := &connector{Push: c.Push, conn: c.conn, distributor: before}
		for _, channel := range channels {
			_ = old.unregister(ctx, channel.Token) // it would bring what nobody takes
		}
	}
	c.Push.mu.Lock()
	defer c.Push.mu.Unlock()
	return c.book.move(c.distributor)
}

// Wait implements Waiter.
func (s *Push) Wait(ctx context.Context, _ *NotHere) error {
	c := &connector{Push: s, hints: newHints()}
	var err error
	if c.conn, err = openBus(ctx, s.bus, noDistributor, c); err != nil {
		return err
	}
	defer c.close()
	if err := c.subscribe(ctx); err != nil {
		return err
	}
	names, err := c.names(ctx)
	if err != nil {
		return err
	}
	if _, err := c.choose(names); err == nil {
		return nil // it came before we looked
	}
	select {
	case <-c.hints:
		return nil
	case <-c.conn.Context().Done():
		return errors.New("the bus went away")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// present says whether the distributor is still there. Another process of it is
// asked anew.
func (c *connector) present(ctx context.Context) error {
	names, err := c.names(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(names, c.distributor) {
		return fmt.Errorf("%s left the bus", c.distributor)
	}
	var owner string
	err = c.call(ctx, busName, busPath, busName+".GetNameOwner", []any{&owner}, c.distributor)
	if err != nil && !isDBusError(err, errNoOwner) {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if owner != c.serve {
		c.serve = owner
		clear(c.registered)
	}
	return nil
}

// due says whether a token is to be registered now. One that was dropped twice in a
// minute has to wait.
func (c *connector) due(token string) (now, later bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.registered[token] {
		return false, false
	}
	later = time.Now().Before(c.held[token])
	return !later, later
}

// call calls a method and stores its results. A distributor may be started by it.
func (c *connector) call(ctx context.Context, dest, path, method string, results []any, args ...any) error {
	limit := callTimeout
	if dest != busName {
		limit = activateTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return c.conn.Object(dest, dbus.ObjectPath(path)).CallWithContext(ctx, method, 0, args...).Store(results...)
}

// unspoken are the errors of a method or interface that the other side has not.
var unspoken = []string{"org.freedesktop.DBus.Error.UnknownMethod", "org.freedesktop.DBus.Error.UnknownInterface", "org.freedesktop.DBus.Error.InvalidArgs"}

// register asks for messages. Distributors speak one of three forms.
func (c *connector) register(ctx context.Context, token, description string) error {
	word, reason, err := c.registerSecond(ctx, token, description)
	if isDBusError(err, unspoken...) {
		err = c.call(ctx, c.distributor, distributorPath, distributorIface+"1.Register", []any{&word, &reason}, connectorName, token, description)
	}
	if isDBusError(err, unspoken...) { // of version 0.2
		err = c.call(ctx, c.distributor, distributorPath, distributorIface+"1.Register", []any{&word, &reason}, connectorName, token)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s does not take the registration: %w", c.distributor, err)
	case word == "REGISTRATION_FAILED":
		return fmt.Errorf("%s refuses the registration: %s", c.distributor, or(reason, "it gives no reason"))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.registered[token] = true
	return nil
}

func (c *connector) registerSecond(ctx context.Context, token, description string) (word, reason string, err error) {
	answer := properties{}
	err = c.call(ctx, c.distributor, distributorPath, distributorIface+"2.Register", []any{&answer},
		properties{"service": dbus.MakeVariant(connectorName), "token": dbus.MakeVariant(token), "description": dbus.MakeVariant(description)})
	return value[string](answer, "success"), value[string](answer, "reason"), err
}

// unregister ends messages. A distributor that does not know the token is as good
// as one that forgot it.
func (c *connector) unregister(ctx context.Context, token string) error {
	answer := properties{}
	err := c.call(ctx, c.distributor, distributorPath, distributorIface+"2.Unregister", []any{&answer}, properties{"token": dbus.MakeVariant(token)})
	if isDBusError(err, unspoken...) {
		ctx, cancel := context.WithTimeout(ctx, activateTimeout)
		defer cancel()
		return c.conn.Object(c.distributor, distributorPath).CallWithContext(ctx, distributorIface+"1.Unregister", dbus.FlagNoReplyExpected, token).Err
	}
	if said := (dbus.Error{}); errors.As(err, &said) {
		return nil
	}
	return err
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
