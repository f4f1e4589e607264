package term

import (
	"os"
	"strings"
	"unicode"

	xterm "golang.org/x/term"
	"golang.org/x/text/width"
)

// Screen says how text is shown. The zero screen is a file: whole, in absolute
// times, without colours.
type Screen struct {
	Terminal bool
	Color    bool
	Width    int // columns; 0: not known
}

// Color repeats what the words say.
type Color string

const (
	Plain  Color = ""
	Red    Color = "31" // failed, suspended
	Yellow Color = "33" // held, unsure
	Green  Color = "32" // running
	Faint  Color = "2"  // ids, sources
)

func (s Screen) Paint(c Color, text string) string {
	if !s.Color || c == Plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// Clean replaces what could move the cursor or hide text: errors and facts are
// the words of others. Line ends stay.
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

// OneLine is the first line of s, cleaned.
func OneLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return Clean(s)
}

// Columns is how wide s is on a terminal.
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

// Cut makes s fit into most columns.
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

// CutMiddle keeps the beginning and the end, which tell names apart.
func CutMiddle(s string, most int) string {
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	const tail = 3
	return string(runes[:most-tail-1]) + "…" + string(runes[len(runes)-tail:])
}

// ScreenOf says what can be shown on f.
func ScreenOf(f *os.File) Screen {
	if !IsTerminal(f) {
		return Screen{}
	}
	s := Screen{Terminal: true, Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if width, _, err := xterm.GetSize(int(f.Fd())); err == nil {
		s.Width = width
	}
	return s
}

// IsTerminal reports whether f is a terminal.
func IsTerminal(f *os.File) bool { return xterm.IsTerminal(int(f.Fd())) }
