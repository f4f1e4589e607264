//go:build linux

package process

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/bgtask/bgtask/task"
)

// The reasons why a process cannot be started or found.
var (
	ErrGone         = errors.New("the process is gone")
	ErrNoExecutable = errors.New("the executable is missing")
	ErrNotRunnable  = errors.New("the executable cannot be run")
	ErrNoDirectory  = errors.New("the working directory cannot be entered")
	ErrClosed       = errors.New("the broker is stopping")
)

// startError returns a failure to start as a task.Error. Cause may be nil.
func startError(subject string, sentinel, cause error, detail, hint string) error {
	err := sentinel
	if cause != nil {
		err = fmt.Errorf("%w: %w", sentinel, cause)
	}
	return &task.Error{Op: "start", Subject: subject, Err: err, Detail: detail, Hint: hint}
}

// execError explains the error of execve for an executable that existed and was executable a
// moment ago.
func execError(path string, err error) error {
	explain := func(detail, hint string) error {
		return startError(path, ErrNotRunnable, err, detail, hint)
	}
	switch {
	case errors.Is(err, syscall.ENOENT):
		return explain("its interpreter or loader is missing", "check its first line, or run ldd on it")
	case errors.Is(err, syscall.ENOEXEC):
		return explain("it is not a program for this machine", "a script needs a first line such as #!/bin/sh")
	case errors.Is(err, syscall.EACCES):
		return explain("the system refused to run it", "check that its interpreter is executable and that its file system is not mounted noexec")
	case errors.Is(err, syscall.E2BIG):
		return explain("its arguments and environment are too long", "")
	case errors.Is(err, syscall.ETXTBSY):
		return explain("the file is being written", "")
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM):
		return explain("the system cannot start another process: "+err.Error(), "")
	}
	return explain(err.Error(), "")
}
