package manifest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The first five are the examples of Microsoft's pages on CommandLineToArgvW and
// on the parsing of command lines.
func TestSplitArguments(t *testing.T) {
	for in, want := range map[string][]string{
		`"abc" d e`:                  {"abc", "d", "e"},
		`a\\b d"e f"g h`:             {`a\\b`, "de fg", "h"},
		`a\\\"b c d`:                 {`a\"b`, "c", "d"},
		`a\\\\"b c" d e`:             {`a\\b c`, "d", "e"},
		`a"b"" c d`:                  {`ab"`, "c", "d"},
		``:                           nil,
		" \t ":                       nil,
		`-StartSampleTaskServer`:     {"-StartSampleTaskServer"},
		`----AppNotification: a`:     {"----AppNotification:", "a"},
		`"" x`:                       {"", "x"},
		`"a b`:                       {"a b"},
		`a\`:                         {`a\`},
		`"a\\"`:                      {`a\`},
		`"""a"""`:                    {`"a"`},
		`""""`:                       {`"`},
		"a\tb":                       {"a", "b"},
		"a\nb":                       {"a\nb"},
		`--dir "C:\Program Files\\"`: {"--dir", `C:\Program Files\`},
	} {
		if diff := cmp.Diff(want, SplitArguments(in)); diff != "" {
			t.Errorf("SplitArguments(%q) (-want +got):\n%s", in, diff)
		}
	}
}

// quote is how Windows programs quote an argument: the rules backwards.
func quote(arg string) string {
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for _, c := range []byte(arg) {
		switch c {
		case '\\':
			slashes++
			continue
		case '"':
			b.WriteString(strings.Repeat(`\`, 2*slashes+1))
		default:
			b.WriteString(strings.Repeat(`\`, slashes))
		}
		slashes = 0
		b.WriteByte(c)
	}
	b.WriteString(strings.Repeat(`\`, 2*slashes))
	b.WriteByte('"')
	return b.String()
}

func FuzzSplitArguments(f *testing.F) {
	f.Add(`a b`, `c\"d`)
	f.Add(``, `\\`)
	f.Fuzz(func(t *testing.T, a, b string) {
		line := quote(a) + " " + quote(b)
		if got := SplitArguments(line); !slices.Equal(got, []string{a, b}) {
			t.Errorf("SplitArguments(%q) = %q, want %q", line, got, []string{a, b})
		}
		SplitArguments(a) // ends, whatever it is
	})
}
