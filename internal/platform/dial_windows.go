package platform

import (
	"log/slog"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/winbroker"
	"github.com/bgtask/bgtask/task"
)

// Dial returns the broker that is part of Windows. It has no socket: a non-empty
// one fails with ErrNotSupportedOnWindows.
func Dial(pkg, socket string, logger *slog.Logger) (client.Broker, error) {
	if socket != "" {
		return nil, &task.Error{
			Op: "connect", Subject: socket, Err: task.ErrNotSupportedOnWindows,
			Detail: "the Windows broker has no socket", Hint: "leave Client.Socket empty",
		}
	}
	return winbroker.New(pkg, logger), nil
}

// Validate checks a registration against the broker's rules, those of Windows and
// the given ones, and returns all faults joined.
func Validate(s task.Spec, rules ...task.Rule) error { return s.ValidateForWindows(rules...) }
