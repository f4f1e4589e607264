package term

import (
	"context"
	"errors"
	"testing"

	"github.com/bgtask/bgtask/task"
)

// TestExitCodes holds the numbers that scripts rely on.
func TestExitCodes(t *testing.T) {
	for err, want := range map[error]int{
		nil: 0, errors.New("x"): 1, task.ErrInternal: 1, task.ErrQueueFull: 1, task.ErrCurrentlyRunning: 1, task.ErrBusy: 1, task.ErrCursorExpired: 1, context.Canceled: 1,
		task.ErrInvalid: 2, task.ErrTriggerNotSupported: 2, task.ErrNotRegistered: 3, ErrAmbiguous: 3, task.ErrAccessDenied: 4, task.ErrDisabledByPolicy: 4,
		task.ErrUnavailable: 5, ErrTimeout: 6, ErrStillHeld: 7, ErrIncomplete: 8, ExitsWith(task.ErrLimit, 2): 2, Shown(ErrUnsound): 1,
	} {
		if got := ExitCode(err); got != want {
			t.Errorf("exit code of %v: %d, want %d", err, got, want)
		}
	}
}
