//go:build !linux

package wire

import (
	"context"
	"os"

	"github.com/bgtask/bgtask/task"
)

// Borrow fails, because the broker runs only on Linux.
func Borrow(context.Context, string, task.GUID) (*os.File, error) { return nil, task.ErrNotSupported }
