// Package term prints what the command line prints: tables, colors, wrapped lines,
// times, JSON, and errors with their hints and exit codes. It also reads durations and
// times, and suggests the word that was probably meant.
package term

import (
	"fmt"
	"io"
	"os"
	"time"
)

// Terminal is where verbs read and write. Tests give it buffers and a fixed time.
type Terminal struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Screen Screen
	Now    func() time.Time
	Zone   *time.Location

	JSON bool // --json
}

// Printf prints text for people. A write error is not returned; see Output.
func (tty *Terminal) Printf(format string, args ...any) {
	_, _ = fmt.Fprintf(tty.Stdout, format, args...)
}

// Warn prints a warning on standard error. The verb goes on.
func (tty *Terminal) Warn(format string, args ...any) {
	tty.note("warning: " + fmt.Sprintf(format, args...))
}

// note prints a line on standard error, where a failed write cannot be reported.
func (tty *Terminal) note(line string) { _, _ = fmt.Fprintln(tty.Stderr, Clean(line)) }

// AsksPeople reports whether standard input is a terminal, where a person can answer.
func (tty *Terminal) AsksPeople() bool {
	in, ok := tty.Stdin.(*os.File)
	return ok && IsTerminal(in)
}
