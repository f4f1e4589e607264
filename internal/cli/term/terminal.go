// Package term is the terminal of the command line: tables, colors, line breaks,
// times, durations, JSON, errors with their exit codes, and "did you mean".
package term

import (
	"fmt"
	"io"
	"os"
	"time"
)

// Terminal is where verbs read and write, and what time it is there.
type Terminal struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Screen Screen
	Now    func() time.Time
	Zone   *time.Location

	JSON bool // --json
}

// Printf writes a line or more for people.
func (tty *Terminal) Printf(format string, args ...any) { fmt.Fprintf(tty.Stdout, format, args...) }

// Warn writes what does not stop anything, beside the answer.
func (tty *Terminal) Warn(format string, args ...any) {
	fmt.Fprintf(tty.Stderr, "warning: %s\n", Clean(fmt.Sprintf(format, args...)))
}

// AsksPeople reports whether a person can answer on the standard input.
func (tty *Terminal) AsksPeople() bool {
	in, ok := tty.Stdin.(*os.File)
	return ok && IsTerminal(in)
}
