package bgtask

import (
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/winbroker"
	"github.com/bgtask/bgtask/task"
)

// dial is the platform's broker: here Windows' own.
func dial(c *Client) (client.Broker, error) {
	if c.Socket != "" {
		return nil, &Error{Op: "connect", Subject: c.Socket, Err: ErrNotSupportedOnWindows, Detail: "the broker of Windows has no socket", Hint: "leave Client.Socket empty"}
	}
	return winbroker.New(c.Package, c.Logger), nil
}

// validate knows what Windows has no equal of.
func validate(s task.Spec, rules ...Rule) error { return s.ValidateForWindows(rules...) }
