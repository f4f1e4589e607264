//go:build linux

package source

import (
	"errors"
	"time"

	"github.com/godbus/dbus/v5"
)

// messagesAtOnce is the number of messages that may wait to become durable.
// Further ones are refused, and the distributor keeps them.
const messagesAtOnce = 64

// connectorMethods are the methods that export exports, with their signatures.
var connectorMethods = map[string]string{
	connectorIface + "1.Message": "says", connectorIface + "1.NewEndpoint": "ss", connectorIface + "1.Unregistered": "s",
	connectorIface + "2.Message": "a{sv}", connectorIface + "2.NewEndpoint": "a{sv}", connectorIface + "2.Unregistered": "a{sv}",
}

// export makes the connector's methods callable, in both versions of the
// interface.
func (c *connector) export() error {
	defer c.turns.open.Store(true)
	return errors.Join(
		c.conn.ExportMethodTable(map[string]any{
			"Message": func(call dbus.Message, token string, content []byte, _ string) *dbus.Error {
				return c.take(&call, func() error { return c.message(token, content) })
			},
			"NewEndpoint": func(call dbus.Message, token, endpoint string) *dbus.Error {
				return c.take(&call, func() error { return c.endpoint(token, endpoint) })
			},
			"Unregistered": func(call dbus.Message, token string) *dbus.Error {
				return c.take(&call, func() error { return c.dropped(token) })
			},
		}, connectorPath, connectorIface+"1"),
		c.conn.ExportMethodTable(map[string]any{
			"Message": func(call dbus.Message, m properties) (properties, *dbus.Error) {
				err := c.take(&call, func() error { return c.message(value[string](m, "token"), value[[]byte](m, "message")) })
				answer := properties{}
				if id, ok := m["id"]; ok {
					answer["id"] = id
				}
				return answer, err
			},
			"NewEndpoint": func(call dbus.Message, m properties) (properties, *dbus.Error) {
				return properties{}, c.take(&call, func() error { return c.endpoint(value[string](m, "token"), value[string](m, "endpoint")) })
			},
			"Unregistered": func(call dbus.Message, m properties) (properties, *dbus.Error) {
				return properties{}, c.take(&call, func() error { return c.dropped(value[string](m, "token")) })
			},
		}, connectorPath, connectorIface+"2"))
}

// take runs do for one call, after all earlier calls are done. It refuses the
// call if the connector is closing or too many calls are waiting. An error
// response makes the distributor keep the message.
func (c *connector) take(call *dbus.Message, do func() error) *dbus.Error {
	defer c.turns.end(call)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return dbus.MakeFailedError(errors.New("the broker is shutting down; send it again later"))
	}
	c.calls.Add(1)
	c.mu.Unlock()
	defer c.calls.Done()
	select {
	case c.places <- struct{}{}:
	default:
		return dbus.NewError("org.freedesktop.DBus.Error.LimitsExceeded", []any{"too many messages are waiting; send it again later"})
	}
	defer func() { <-c.places }()
	c.turns.await(call)
	if err := do(); err != nil {
		return dbus.MakeFailedError(err)
	}
	return nil
}

// dropped handles Unregistered. After our own Unregister it is a confirmation,
// and the token is unknown already. Otherwise the distributor dropped the
// channel, which is then registered again.
func (c *connector) dropped(token string) error {
	if c.endpoint(token, "") != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.registered, token)
	if last, twice := c.drops[token]; twice && time.Since(last) < pushAgain {
		c.held[token] = time.Now().Add(pushAgain)
	}
	c.drops[token] = time.Now()
	c.hints.give()
	return nil
}
