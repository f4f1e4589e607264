//go:build !linux && !windows

package bgtask

import (
	"runtime"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// dial has no broker to offer here.
func dial(*Client) (client.Broker, error) {
	return nil, &Error{Op: "connect", Err: ErrNotSupported, Detail: "there is no broker for " + runtime.GOOS}
}

func validate(s task.Spec, rules ...Rule) error { return s.Validate(rules...) }
