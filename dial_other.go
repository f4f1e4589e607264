//go:build !linux

package bgtask

import (
	"runtime"

	"github.com/bgtask/bgtask/internal/client"
)

// dial has no broker to offer here.
func dial(*Client) (client.Broker, error) {
	return nil, &Error{Op: "connect", Err: ErrNotSupported, Detail: "there is no broker for " + runtime.GOOS}
}
