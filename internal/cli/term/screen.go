package term

import (
	"os"
	"strconv"
	"strings"
	"unicode"

	xterm "golang.org/x/term"
	"golang.org/x/text/width"
)

// Screen says how text is shown. The zero Screen is a file or a pipe: text is not cut,
// times are absolute, and there are no colors.
type Screen struct {
	Terminal bool
	Color    bool
	Width    int // in columns; 0 if not known
}

// Color is a color of the terminal. It only repeats what the words say.
type Color string

// The colors, and what they are for.
const (
	Plain  Color = ""
	Red    Color = "31" // failed, suspended
	Yellow Color = "33" // held, unsure
	Green  Color = "32" // running
	Faint  Color = "2"  // ids, sources
)

// Paint returns text in a color, if s has colors.
func (s Screen) Paint(c Color, text string) string {
	if !s.Color || c == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// Clean replaces control characters, which could move the cursor or hide text: errors
// and facts contain text from other programs. Newlines stay.
func Clean(s string) string {
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

// OneLine returns the first line of s, cleaned.
func OneLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return Clean(s)
}

// Columns returns the width of s on a terminal.
func Columns(s string) int {
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

// Cut shortens s to at most most columns. The last one is "…" if it was longer.
func Cut(s string, most int) string {
	if most <= 0 || Columns(s) <= most {
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

// CutMiddle shortens s to at most most letters, and keeps the beginning and the end,
// which distinguish names.
func CutMiddle(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	const tail = 3
	return string(runes[:most-tail-1]) + "…" + string(runes[len(runes)-tail:])
}

// ScreenOf returns the screen that f is. The variables NO_COLOR, TERM and COLUMNS
// override what the terminal says.
func ScreenOf(f *os.File) Screen {
	if !IsTerminal(f) {
		return Screen{}
	}
	s := Screen{Terminal: true, Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width > 0 {
		s.Width = width
	} else if width, _, err := xterm.GetSize(int(f.Fd())); err == nil {
		s.Width = width
	}
	return s
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool { return xterm.IsTerminal(int(f.Fd())) }
