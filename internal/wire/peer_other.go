//go:build !linux

package wire

import (
	"net"

	"github.com/bgtask/bgtask/task"
)

// peerOf fails, because the broker runs only on Linux.
func peerOf(*net.UnixConn) (*Peer, error) { return nil, task.ErrNotSupported }
