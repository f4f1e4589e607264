package main

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/bgtask/bgtask/task"
)

// screen says how text is shown. The zero screen is a file: whole, in absolute
// times, without colours.
type screen struct {
	terminal bool
	color    bool
	width    int // columns; 0: not known
}

// color repeats what the words say.
type color string

const (
	plain  color = ""
	red    color = "31" // failed, suspended
	yellow color = "33" // held, unsure
	green  color = "32" // running
	faint  color = "2"  // ids, sources
)

func (s screen) paint(c color, text string) string {
	if !s.color || c == plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

func phaseColor(p task.Phase) color {
	switch p {
	case task.Suspended, task.Unresponsive:
		return red
	case task.Held, task.BackingOff:
		return yellow
	case task.Running, task.Starting, task.Canceling:
		return green
	}
	return plain
}

func outcomeColor(o task.Outcome) color {
	switch o {
	case task.OutcomeNone, task.Completed, task.Canceled:
		return plain
	}
	return red
}

// clean replaces what could move the cursor or hide text: errors and facts are
// the words of others. Line ends stay.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029':
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// oneLine is the first line of s, cleaned.
func oneLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return clean(s)
}

// columns is how wide s is on a terminal.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut makes s fit into most columns.
func cut(s string, most int) string {
	if most <= 0 || columns(s) <= most {
		return s
	}
	used := 0
	for i, r := range s {
		if used += runeColumns(r); used >= most {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// cutMiddle keeps the beginning and the end, which tell names apart.
func cutMiddle(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	const tail = 3
	return string(runes[:most-tail-1]) + "…" + string(runes[len(runes)-tail:])
}
