//go:build !windows

package bgtask

import (
	"os"
	"sync"

	"github.com/bgtask/bgtask/task"
)

// launchToken is that of this process. The environment is cleared, so that a
// program which this one starts does not take itself for launched.
var launchToken = sync.OnceValue(func() (token task.LaunchToken) {
	value, ok := os.LookupEnv(task.LaunchEnv)
	if !ok {
		return token
	}
	os.Unsetenv(task.LaunchEnv)
	if token.UnmarshalText([]byte(value)) != nil {
		return task.LaunchToken{}
	}
	return token
})
