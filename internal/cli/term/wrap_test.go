package term

import (
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	tests := []struct {
		name   string
		width  int
		indent int
		line   string
		want   string
	}{
		{"fits", 30, 4, "  a  it fits, to the last colum", "  a  it fits, to the last\n    colum"},
		{"exactly", 31, 4, "  a  it fits, to the last colum", "  a  it fits, to the last colum"},
		{"columns stay", 30, 4, "  a    b    and then a long text", "  a    b    and then a long\n    text"},
		{"a long word", 24, 4, "remedy: /a/path/that/is/longer/than/the/line here", "remedy:\n    /a/path/that/is/longer/than/the/line\n    here"},
		{"first word too long", 24, 0, "/a/path/that/is/longer/than/the/line", "/a/path/that/is/longer/than/the/line"},
		{"wide letters", 24, 2, "世界 世界 世界 世界 世界 世界", "世界 世界 世界 世界 世界\n  世界"},
		{"too narrow", 20, 13, "a line that the terminal breaks itself", "a line that the terminal breaks itself"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := Screen{Terminal: true, Width: test.width}
			if got := s.Wrap(test.line, test.indent); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
			if got := (Screen{Width: test.width}).Wrap(test.line, test.indent); got != test.line {
				t.Errorf("a file has %q", got)
			}
		})
	}
}

// TestWordsStay checks that wrapping loses no word.
func TestWordsStay(t *testing.T) {
	line := "  needs      DeviceIdle         unsure  idle=unknown for 1 min 29 s  no source: there is no D-Bus"
	for width := range 120 {
		got := Screen{Terminal: true, Width: width}.Wrap(line, 13)
		if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(line), " ") {
			t.Errorf("%d columns:\n%s", width, got)
		}
	}
}
