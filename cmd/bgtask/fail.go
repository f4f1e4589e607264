package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// The exit codes.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitDenied      = 4
	exitUnavailable = 5
	exitTimeout     = 6
	exitHeld        = 7
	exitIncomplete  = 8
)

// Errors of the command line alone.
var (
	errAmbiguous  = errors.New("more than one task is meant")
	errTimeout    = errors.New("the timeout has passed")
	errStillHeld  = errors.New("the timeout has passed, and it is still held")
	errIncomplete = errors.New("the run did not complete")
	errUnsound    = errors.New("a check failed")
)

// failures says how an error is told to programs. The first that fits counts.
var failures = []struct {
	err  error
	exit int
	code string // of --json; "" for task.Code
}{
	{errAmbiguous, exitNotFound, "ambiguous"},
	{errStillHeld, exitHeld, "still_held"},
	{errTimeout, exitTimeout, "timeout"},
	{errIncomplete, exitIncomplete, "not_completed"},
	{errUnsound, exitFailure, "check_failed"},
	{context.Canceled, exitFailure, "interrupted"},
	{task.ErrInvalid, exitUsage, ""},
	{task.ErrTriggerNotSupported, exitUsage, ""},
	{task.ErrNotRegistered, exitNotFound, ""},
	{task.ErrAccessDenied, exitDenied, ""},
	{task.ErrDisabledByPolicy, exitDenied, ""},
	{task.ErrUnavailable, exitUnavailable, ""},
}

// exitError is an error with an exit code of its own.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

func exitCode(err error) int {
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

func errorCode(err error) string {
	for _, f := range failures {
		if f.code != "" && errors.Is(err, f.err) {
			return f.code
		}
	}
	return task.Code(err)
}

// told marks an error that the verb has told already, in its answer.
type told struct{ error }

func (t told) Unwrap() error { return t.error }

// fail tells an error: what and why, then the remedy; three lines at most.
func (a *app) fail(err error) {
	if errors.As(err, new(told)) {
		return
	}
	lines := faults(err)
	hint := strings.ReplaceAll(task.Hint(err), "\n", "; ")
	if a.json {
		a.object(member{"error", failure{errorCode(err), strings.Join(lines, "; "), orNull(hint)}})
		return
	}
	fmt.Fprintln(a.stderr, clean("bgtask: "+lines[0]))
	switch more := lines[1:]; len(more) {
	case 0:
	case 1:
		fmt.Fprintln(a.stderr, clean("  "+more[0]))
	default:
		more = faults(errors.Join(withoutOps(err)[1:]...)) // it is said once
		fmt.Fprintln(a.stderr, clean(fmt.Sprintf("  and %d more: %s", len(more), strings.Join(more, "; "))))
	}
	if hint != "" {
		fmt.Fprintln(a.stderr, clean("  hint: "+hint))
	}
}

type failure struct {
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Hint    *string `json:"hint"`
}

// faults are the errors that err joins, a line for each.
func faults(err error) (lines []string) {
	for _, each := range leaves(err) {
		lines = append(lines, line(each))
	}
	return lines
}

// leaves are the errors that err joins; err itself when it joins none.
func leaves(err error) (all []error) {
	switch e := err.(type) {
	case exitError:
		return leaves(e.error)
	case interface{ Unwrap() []error }:
		for _, each := range e.Unwrap() {
			all = append(all, leaves(each)...)
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
	for _, each := range leaves(err) {
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

// asksForJSON looks for --json in a command line that could not be understood.
func asksForJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json") || slices.Contains(args, "--json=true")
}

// refuse is a word or a value that is not taken; nothing was changed.
func refuse(detail, hint string) error {
	return &task.Error{Err: task.ErrInvalid, Detail: detail, Hint: hint}
}

// unknownWord names the nearest of the words that there are.
func unknownWord(flag, what, word string, words []string) error {
	hint := "they are: " + strings.Join(words, " ")
	if near := nearest(word, words); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return refuse(fmt.Sprintf("%s: there is no %s %q", flag, what, word), hint)
}
