package client

import (
	"os"
	"path/filepath"
	"testing"
)

// TestLastWords checks that the last output of a broker that exited is returned as the
// cause, with its hint.
func TestLastWords(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	for _, test := range []struct{ text, why, hint string }{
		{"", "its log is " + log, ""},
		{"one\nbgtask: two\n", "two", ""},
		{"one\nbgtask: two\n  hint: three\n", "two", "three"},
		{"  hint: alone\n", "hint: alone", ""},
	} {
		const before = "of another broker\n"
		if err := os.WriteFile(log, []byte(before+test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if why, hint := lastWords(log, int64(len(before))); why != test.why || hint != test.hint {
			t.Errorf("%q: %q, hint %q", test.text, why, hint)
		}
	}
}
