//go:build !linux

package wire

import (
	"net"

	"github.com/bgtask/bgtask/task"
)

// peerOf has nobody to ask: the broker is for Linux.
func peerOf(*net.UnixConn) (*Peer, error) { return nil, task.ErrNotSupported }
