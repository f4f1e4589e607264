//go:build !windows

package platform

import (
	"os"
	"sync"

	"github.com/bgtask/bgtask/task"
)

// LaunchToken returns the token with which the broker launched this process. It is
// zero in a process that the broker did not launch, or whose token is malformed.
//
// The first call removes the token from the environment. Otherwise, a program that
// this one starts would inherit it and take itself for launched.
var LaunchToken = sync.OnceValue(func() (token task.LaunchToken) {
	value, ok := os.LookupEnv(task.LaunchEnv)
	if !ok {
		return token
	}
	if err := os.Unsetenv(task.LaunchEnv); err != nil {
		return task.LaunchToken{}
	}
	if token.UnmarshalText([]byte(value)) != nil {
		return task.LaunchToken{}
	}
	return token
})
