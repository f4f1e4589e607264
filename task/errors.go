package task

import (
	"errors"
	"fmt"
)

// Sentinels, for errors.Is. They keep their identity across the broker's socket.
var (
	ErrInvalid             = errors.New("invalid argument")
	ErrTriggerNotSupported = errors.New("this trigger cannot fire here")
	ErrNotSupported        = errors.New("not supported on this platform")
	ErrClassNotDeclared    = errors.New("the class is not declared")
	ErrNotRegistered       = errors.New("no such task is registered")
	ErrCurrentlyRunning    = errors.New("the task is pending or running")
	ErrQueueFull           = errors.New("the task's queue is full")
	ErrAccessDenied        = errors.New("background access is denied")
	ErrDisabledByPolicy    = errors.New("disabled by policy")
	ErrNoPackage           = errors.New("the program belongs to no package")
	ErrLimit               = errors.New("a limit is exceeded")
	ErrUnavailable         = errors.New("the broker is not reachable")
	ErrBusy                = errors.New("the broker is busy")
	ErrCursorExpired       = errors.New("the cursor is older than what is kept")
	ErrWatchLagged         = errors.New("the watcher was too slow")
	ErrConflict            = errors.New("conflicts with what is there")
	ErrInternal            = errors.New("internal error")
)

// ErrNotSupportedOnWindows wraps ErrNotSupported. It is the error for what the Linux
// broker can do and Windows cannot.
var ErrNotSupportedOnWindows = fmt.Errorf("%w: Windows has no equal of it", ErrNotSupported)

// Error is the error of an operation: a sentinel, and what the user needs to know about
// the failure. Every field but Err may be empty.
type Error struct {
	Op      string // the operation: "register", "fire"
	Subject string // what it was about: a task's name, a package, a path
	Err     error  // one of the sentinels, or an error that wraps one
	Detail  string // why it failed, a sentence without a full stop
	Hint    string // what to do about it
}

// Error returns the fields in one line: "op: subject: detail".
func (e *Error) Error() string {
	s := e.Detail
	if s == "" && e.Err != nil {
		s = e.Err.Error()
	}
	if e.Subject != "" {
		s = e.Subject + ": " + s
	}
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	return s
}

// Unwrap returns the sentinel.
func (e *Error) Unwrap() error { return e.Err }

// Hint returns the first Hint in the tree of err, or "".
func Hint(err error) string {
	if e, ok := err.(*Error); ok && e.Hint != "" { //nolint:errorlint // the tree is walked level by level
		return e.Hint
	}
	switch e := err.(type) { //nolint:errorlint // the same
	case interface{ Unwrap() error }:
		return Hint(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, joined := range e.Unwrap() {
			if hint := Hint(joined); hint != "" {
				return hint
			}
		}
	}
	return ""
}
