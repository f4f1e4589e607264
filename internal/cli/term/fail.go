package term

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// The exit codes.
const (
	exitFailure     = 1
	ExitUsage       = 2
	exitNotFound    = 3
	exitDenied      = 4
	ExitUnavailable = 5
	exitTimeout     = 6
	exitHeld        = 7
	exitIncomplete  = 8
)

// Errors of the command line alone.
var (
	ErrAmbiguous  = errors.New("more than one task is meant")
	ErrTimeout    = errors.New("the timeout has passed")
	ErrStillHeld  = errors.New("the timeout has passed, and it is still held")
	ErrIncomplete = errors.New("the run did not complete")
	ErrUnsound    = errors.New("a check failed")
)

// failures says how an error is told to programs. The first that fits counts.
var failures = []struct {
	err  error
	exit int
	code string // of --json; "" for task.Code
}{
	{ErrAmbiguous, exitNotFound, "ambiguous"},
	{ErrStillHeld, exitHeld, "still_held"},
	{ErrTimeout, exitTimeout, "timeout"},
	{ErrIncomplete, exitIncomplete, "not_completed"},
	{ErrUnsound, exitFailure, "check_failed"},
	{context.Canceled, exitFailure, "interrupted"},
	{task.ErrInvalid, ExitUsage, ""},
	{task.ErrTriggerNotSupported, ExitUsage, ""},
	{task.ErrNotRegistered, exitNotFound, ""},
	{task.ErrAccessDenied, exitDenied, ""},
	{task.ErrDisabledByPolicy, exitDenied, ""},
	{task.ErrUnavailable, ExitUnavailable, ""},
}

// exitError is an error with an exit code of its own.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// ExitsWith gives an error an exit code of its own.
func ExitsWith(err error, code int) error { return exitError{err, code} }

func ExitCode(err error) int {
	if err == nil {
		return 0
	}
	if own := (exitError{}); errors.As(err, &own) {
		return own.code
	}
	for _, f := range failures {
		if errors.Is(err, f.err) {
			return f.exit
		}
	}
	return exitFailure
}

func ErrorCode(err error) string {
	for _, f := range failures {
		if f.code != "" && errors.Is(err, f.err) {
			return f.code
		}
	}
	return task.Code(err)
}

// shownError is an error that is in the verb's answer already.
type shownError struct{ error }

func (e shownError) Unwrap() error { return e.error }

// Told marks an error that the verb has told already, in its answer.
func Told(err error) error { return shownError{err} }

// Fail tells an error: what and why, then the remedy; three lines at most.
func (tty *Terminal) Fail(err error) {
	if errors.As(err, new(shownError)) {
		return
	}
	lines := Faults(err)
	hint := strings.ReplaceAll(task.Hint(err), "\n", "; ")
	if tty.JSON {
		tty.Object(Member("error", Failure{Code: ErrorCode(err), Message: strings.Join(lines, "; "), Hint: OrNull(hint)}))
		return
	}
	fmt.Fprintln(tty.Stderr, Clean("bgtask: "+lines[0]))
	switch more := lines[1:]; len(more) {
	case 0:
	case 1:
		fmt.Fprintln(tty.Stderr, Clean("  "+more[0]))
	default:
		more = Faults(errors.Join(withoutOps(err)[1:]...)) // it is said once
		fmt.Fprintln(tty.Stderr, Clean(fmt.Sprintf("  and %d more: %s", len(more), strings.Join(more, "; "))))
	}
	if hint != "" {
		fmt.Fprintln(tty.Stderr, Clean("  hint: "+hint))
	}
}

type Failure struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Hint    *string `json:"hint"`
}

// Faults are the errors that err joins, a line for each.
func Faults(err error) (lines []string) {
	for _, each := range Leaves(err) {
		lines = append(lines, line(each))
	}
	return lines
}

// Leaves are the errors that err joins; err itself when it joins none.
func Leaves(err error) (all []error) {
	switch e := err.(type) {
	case exitError:
		return Leaves(e.error)
	case interface{ Unwrap() []error }:
		for _, each := range e.Unwrap() {
			all = append(all, Leaves(each)...)
		}
	}
	if len(all) == 0 {
		all = []error{err}
	}
	return all
}

func line(err error) string {
	if errors.Is(err, task.ErrUnavailable) {
		err = withoutOp(err) // whatever was asked, nobody was there
	}
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}

func withoutOps(err error) (all []error) {
	for _, each := range Leaves(err) {
		all = append(all, withoutOp(each))
	}
	return all
}

func withoutOp(err error) error {
	e, ok := err.(*task.Error)
	if !ok {
		return err
	}
	bare := *e
	bare.Op = ""
	return &bare
}

// AsksForJSON looks for --json in a command line that could not be understood.
func AsksForJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// Refuse is a word or a value that is not taken; nothing was changed.
func Refuse(detail, hint string) error {
	return &task.Error{Err: task.ErrInvalid, Detail: detail, Hint: hint}
}

// UnknownWord names the nearest of the words that there are.
func UnknownWord(flag, what, word string, words []string) error {
	hint := "they are: " + strings.Join(words, " ")
	if near := Nearest(word, words); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return Refuse(fmt.Sprintf("%s: there is no %s %q", flag, what, word), hint)
}

// Cause is the error without the call and the path that the caller names anyway.
func Cause(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
