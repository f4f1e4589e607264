//go:build linux

package process

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/bgtask/bgtask/task"
)

// Why a process could not be started or found.
var (
	ErrGone         = errors.New("the process is gone")
	ErrNoExecutable = errors.New("the executable is missing")
	ErrNotRunnable  = errors.New("the executable cannot be run")
	ErrNoDirectory  = errors.New("the working directory cannot be entered")
	ErrClosed       = errors.New("the broker is stopping")
)

// startError puts a failure to start into the words of package task. cause may
// be nil.
func startError(subject string, sentinel, cause error, detail, hint string) error {
	err := sentinel
	if cause != nil {
		err = fmt.Errorf("%w: %w", sentinel, cause)
	}
	return &task.Error{Op: "start", Subject: subject, Err: err, Detail: detail, Hint: hint}
}

// execError explains what execve said about an executable that was there and
// executable a moment ago.
func execError(path string, err error) error {
	explain := func(detail, hint string) error {
		return startError(path, ErrNotRunnable, err, detail, hint)
	}
	switch {
	case errors.Is(err, syscall.ENOENT):
		return explain("the interpreter or loader that it names is missing", "look at its first line, or run ldd on it")
	case errors.Is(err, syscall.ENOEXEC):
		return explain("it is no program for this machine", "a script needs a first line such as #!/bin/sh")
	case errors.Is(err, syscall.EACCES):
		return explain("the system refused to run it", "look whether its interpreter is executable and its file system is not mounted noexec")
	case errors.Is(err, syscall.E2BIG):
		return explain("its arguments and environment are too long", "")
	case errors.Is(err, syscall.ETXTBSY):
		return explain("it is being written", "")
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM):
		return explain("the system has no room for another process: "+err.Error(), "")
	}
	return explain(err.Error(), "")
}
