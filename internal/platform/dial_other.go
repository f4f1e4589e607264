//go:build !linux && !windows

package platform

import (
	"log/slog"
	"runtime"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// Dial fails with ErrNotSupported: bgtask has no broker for this system.
func Dial(string, string, *slog.Logger) (client.Broker, error) {
	return nil, &task.Error{Op: "connect", Err: task.ErrNotSupported, Detail: "there is no broker for " + runtime.GOOS}
}

// Validate checks a registration against the broker's rules and the given ones, and
// returns all faults joined.
func Validate(s task.Spec, rules ...task.Rule) error { return s.Validate(rules...) }
