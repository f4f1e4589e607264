//go:build !linux

package wire

import (
	"context"
	"os"

	"github.com/bgtask/bgtask/task"
)

// Borrow has nobody to ask: the broker is for Linux.
func Borrow(context.Context, string, task.GUID) (*os.File, error) { return nil, task.ErrNotSupported }
