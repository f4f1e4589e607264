//go:build linux

package source

import (
	"cmp"
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

// Names from UnifiedPush's D-Bus specification, versions 0.2 and 0.3, and our own
// name as a connector.
const (
	connectorName     = "io.github.bgtask.Broker"
	connectorPath     = "/org/unifiedpush/Connector"
	connectorIface    = "org.unifiedpush.Connector"
	distributorPrefix = "org.unifiedpush.Distributor."
	distributorPath   = "/org/unifiedpush/Distributor"
	distributorIface  = "org.unifiedpush.Distributor"
)

var noDistributor = NotHereError{Detail: "there is no push distributor on the session bus", Remedy: "install a UnifiedPush distributor, such as KUnifiedPush"}

// connector is the connector side of UnifiedPush on one bus connection. A
// distributor is the program that holds the connection to a push server. The
// connector registers a token with it for each registration. The distributor then
// calls the connector's methods (connectorcalls.go): NewEndpoint with the address
// for the server, Message for each message, and Unregistered when it drops a
// token.
type connector struct {
	*Push
	conn        *dbus.Conn
	hints       hints
	distributor string // its name on the bus
	serve       string // unique name of its process; "" if it is not running yet

	turns  *turns
	places chan struct{}
	calls  sync.WaitGroup

	mu         sync.Mutex           // guards the fields below, and orders calls.Add before calls.Wait
	registered map[string]bool      // tokens that the distributor's process knows
	drops      map[string]time.Time // by token: when the distributor last dropped it
	held       map[string]time.Time // by token: not to be registered before
	closed     bool
}

// connect chooses a distributor and makes the connector reachable for it.
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

// begin subscribes, chooses the distributor, exports the methods and takes the
// connector's name, in this order: once the name is taken, messages may arrive.
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
		return fmt.Errorf("another broker on this bus owns the name %s and receives the push messages", connectorName)
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

// DeliverSignal implements dbus.SignalHandler. A distributor appearing on or
// leaving the bus is a hint.
func (c *connector) DeliverSignal(_, member string, _ *dbus.Signal) {
	if member == "NameOwnerChanged" {
		c.hints.give()
	}
}

// ended returns a channel that receives an error when the bus disconnects.
func (c *connector) ended() <-chan error {
	gone := make(chan error, 1)
	context.AfterFunc(c.conn.Context(), func() { gone <- errors.New("the bus went away") })
	return gone
}

// close closes the connection and waits for the calls in progress.
func (c *connector) close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	_ = c.conn.Close()
	c.calls.Wait()
}

// names returns the distributors that are running or can be started, sorted.
func (c *connector) names(ctx context.Context) ([]string, error) {
	var running, could []string
	err := errors.Join(
		c.call(ctx, busName, busPath, busName+".ListNames", []any{&running}),
		c.call(ctx, busName, busPath, busName+".ListActivatableNames", []any{&could}))
	all := slices.DeleteFunc(append(running, could...), func(name string) bool { return !strings.HasPrefix(name, distributorPrefix) })
	slices.Sort(all)
	return slices.Compact(all), err
}

// choose returns the distributor to use: the one the user configured, else the
// one in use so far, else the first one found. The distributor is never switched
// automatically while channels exist, because another one means other endpoint
// addresses.
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
		return "", &NotHereError{Detail: "the push distributor " + c.prefer + " is not on the session bus", Remedy: "start it, or set push_distributor in config.toml to another one"}
	case before != "" && !has(before):
		return "", &NotHereError{Detail: "the push distributor " + before + ", which delivered messages before, is not on the session bus", Remedy: "start it, or set push_distributor in config.toml to another one"}
	case before != "":
		return before, nil
	case len(names) > 0:
		return names[0], nil
	}
	missing := noDistributor
	return "", &missing
}

// move unregisters all channels from the previous distributor if another one was
// chosen, and records the new one.
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
			_ = old.unregister(ctx, channel.Token) // best effort: its messages would be refused anyway
		}
	}
	c.Push.mu.Lock()
	defer c.Push.mu.Unlock()
	return c.book.move(c.distributor)
}

// Wait implements Waiter. It returns nil when a distributor that can be used is
// on the bus, or when the set of distributors may have changed.
func (s *Push) Wait(ctx context.Context, _ *NotHereError) error {
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
		return nil // it appeared before we subscribed
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

// present returns an error if the distributor has left the bus. If another
// process serves it now, all tokens are registered again.
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

// due reports whether a token has to be registered now, or later. A token that
// was dropped twice within pushAgain has to wait.
func (c *connector) due(token string) (now, later bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.registered[token] {
		return false, false
	}
	later = time.Now().Before(c.held[token])
	return !later, later
}

// call calls a method and stores its results. The call may start a distributor.
func (c *connector) call(ctx context.Context, dest, path, method string, results []any, args ...any) error {
	limit := callTimeout
	if dest != busName {
		limit = activateTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return c.conn.Object(dest, dbus.ObjectPath(path)).CallWithContext(ctx, method, 0, args...).Store(results...)
}

// unsupportedErrors are the D-Bus errors that mean the other side does not have
// the method or interface.
var unsupportedErrors = []string{"org.freedesktop.DBus.Error.UnknownMethod", "org.freedesktop.DBus.Error.UnknownInterface", "org.freedesktop.DBus.Error.InvalidArgs"}

// register asks the distributor for messages. It tries the three forms of the
// call, newest first, since distributors implement different versions.
func (c *connector) register(ctx context.Context, token, description string) error {
	word, reason, err := c.registerSecond(ctx, token, description)
	if isDBusError(err, unsupportedErrors...) {
		err = c.call(ctx, c.distributor, distributorPath, distributorIface+"1.Register", []any{&word, &reason}, connectorName, token, description)
	}
	if isDBusError(err, unsupportedErrors...) { // version 0.2
		err = c.call(ctx, c.distributor, distributorPath, distributorIface+"1.Register", []any{&word, &reason}, connectorName, token)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s did not accept the registration: %w", c.distributor, err)
	case word == "REGISTRATION_FAILED":
		return fmt.Errorf("%s refused the registration: %s", c.distributor, cmp.Or(reason, "no reason given"))
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

// unregister ends the messages for a token. It is no error if the distributor
// does not know the token.
func (c *connector) unregister(ctx context.Context, token string) error {
	answer := properties{}
	err := c.call(ctx, c.distributor, distributorPath, distributorIface+"2.Unregister", []any{&answer}, properties{"token": dbus.MakeVariant(token)})
	if isDBusError(err, unsupportedErrors...) {
		ctx, cancel := context.WithTimeout(ctx, activateTimeout)
		defer cancel()
		return c.conn.Object(c.distributor, distributorPath).CallWithContext(ctx, distributorIface+"1.Unregister", dbus.FlagNoReplyExpected, token).Err
	}
	if said := (dbus.Error{}); errors.As(err, &said) {
		return nil
	}
	return err
}
