//go:build linux

package source

import (
	"errors"
	"time"

	"github.com/godbus/dbus/v5"
)

// messagesAtOnce bounds the messages that wait to become durable. The distributor
// keeps the others.
const messagesAtOnce = 64

// connectorMethods are those of export, with what they take.
var connectorMethods = map[string]string{
	connectorIface + "1.Message": "says", connectorIface + "1.NewEndpoint": "ss", connectorIface + "1.Unregistered": "s",
	connectorIface + "2.Message": "a{sv}", connectorIface + "2.NewEndpoint": "a{sv}", connectorIface + "2.Unregistered": "a{sv}",
}

// export answers the calls of distributors.
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

// take does what a call asks for, when those before it are done, unless there are too
// many or we leave. An error is the answer that lets the distributor keep a message.
func (c *connector) take(call *dbus.Message, do func() error) *dbus.Error {
	defer c.turns.end(call)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return dbus.MakeFailedError(errors.New("the broker ends: send it again"))
	}
	c.calls.Add(1)
	c.mu.Unlock()
	defer c.calls.Done()
	select {
	case c.places <- struct{}{}:
	default:
		return dbus.NewError("org.freedesktop.DBus.Error.LimitsExceeded", []any{"too many messages at once: send it again"})
	}
	defer func() { <-c.places }()
	c.turns.await(call)
	if err := do(); err != nil {
		return dbus.MakeFailedError(err)
	}
	return nil
}

// dropped registers anew when the distributor has dropped a channel by itself;
// after an Unregister it confirms, and nobody has the token any more.
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
