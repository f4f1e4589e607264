package term

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// Exit codes. The help of bgtask lists them all.
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

// Errors that only the command line has.
var (
	ErrAmbiguous  = errors.New("the name is ambiguous")
	ErrTimeout    = errors.New("the timeout has passed")
	ErrStillHeld  = errors.New("the timeout has passed and the task is still held")
	ErrIncomplete = errors.New("the run did not complete")
	ErrUnsound    = errors.New("a check failed")
)

// failures maps errors to the exit code, and to the code of --json. The first match
// counts.
var failures = []struct {
	err  error
	exit int
	code string // with --json; "" means task.Code
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

// exitError is an error with its own exit code.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// ExitsWith returns err with an exit code that overrides the one of its kind.
func ExitsWith(err error, code int) error { return exitError{err, code} }

// ExitCode returns the exit code for err; 0 for nil.
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

// ErrorCode returns the word for err in the JSON output.
func ErrorCode(err error) string {
	for _, f := range failures {
		if f.code != "" && errors.Is(err, f.err) {
			return f.code
		}
	}
	return task.Code(err)
}

// shownError is an error that the verb has already printed.
type shownError struct{ error }

func (e shownError) Unwrap() error { return e.error }

// Shown returns err marked as printed: it sets the exit code, and Fail prints nothing.
func Shown(err error) error { return shownError{err} }

// Fail prints an error on standard error in at most three lines: what happened, the
// other errors that it joins, and a hint. With --json it prints an object on standard
// output instead.
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
	tty.note("bgtask: " + lines[0])
	switch more := lines[1:]; len(more) {
	case 0:
	case 1:
		tty.note("  " + more[0])
	default:
		more = Faults(errors.Join(withoutOps(err)[1:]...)) // the first line names the verb
		tty.note(fmt.Sprintf("  and %d more: %s", len(more), strings.Join(more, "; ")))
	}
	if hint != "" {
		tty.note("  hint: " + hint)
	}
}

// Failure is an error in the JSON output.
type Failure struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Hint    *string `json:"hint"`
}

// Faults returns the messages of the errors that err joins, each on one line.
func Faults(err error) (lines []string) {
	for _, each := range Leaves(err) {
		lines = append(lines, line(each))
	}
	return lines
}

// Leaves returns the errors that err joins, at any depth, or err itself.
func Leaves(err error) (all []error) {
	switch e := any(err).(type) { // of the outermost error: a wrapped one has its own text
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
		err = withoutOp(err) // no verb works without a broker
	}
	return strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; ")
}

func withoutOps(err error) (all []error) {
	for _, each := range Leaves(err) {
		all = append(all, withoutOp(each))
	}
	return all
}

// Outermost returns err if it is a *task.Error itself. Unlike errors.As it does not look
// into a wrapping error, whose text would be lost.
func Outermost(err error) (*task.Error, bool) {
	e, ok := any(err).(*task.Error)
	return e, ok
}

func withoutOp(err error) error {
	e, ok := Outermost(err)
	if !ok {
		return err
	}
	bare := *e
	bare.Op = ""
	return &bare
}

// AsksForJSON looks for --json in a command line that could not be parsed.
func AsksForJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// Refuse returns the error for a word or value that the command line does not accept.
// Nothing was changed.
func Refuse(detail, hint string) error {
	return &task.Error{Err: task.ErrInvalid, Detail: detail, Hint: hint}
}

// UnknownWord refuses the value of a flag, and suggests the nearest of the words that
// it takes.
func UnknownWord(flag, what, word string, words []string) error {
	return Refuse(fmt.Sprintf("%s: unknown %s %q", flag, what, word), cmp.Or(DidYouMean(word, words), "choose one of: "+strings.Join(words, " ")))
}

// Cause returns err without the system call and the path, which the caller names
// itself.
func Cause(err error) error {
	var e *os.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
