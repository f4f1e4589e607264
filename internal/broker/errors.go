//go:build linux

package broker

import (
	"fmt"

	"github.com/bgtask/bgtask/task"
)

// startError is why a broker cannot be started.
func startError(subject string, err error, hint string) error {
	return &task.Error{Op: "start", Subject: subject, Err: fmt.Errorf("%w: %w", task.ErrUnavailable, err), Detail: err.Error(), Hint: hint}
}
