//go:build linux

package demo

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The demo with the real binary succeeds in every step.
func TestDemo(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "bgtask")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/bgtask/bgtask/cmd/bgtask").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), binary, "demo")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if n := len(regexp.MustCompile(`(?m) ok$`).FindAllString(out.String(), -1)); n != len(steps) {
		t.Errorf("%d of %d steps are ok:\n%s", n, len(steps), out.String())
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	dir := regexp.MustCompile(`private broker in (\S+)`).FindStringSubmatch(out.String())
	if dir == nil || exists(dir[1]) {
		t.Errorf("the demo left %v", dir)
	}
}

// With a binary that is not a broker, the demo fails and cleans up.
func TestDemoFails(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Binary: filepath.Join(t.TempDir(), "nothing"), Out: &out}); err == nil {
		t.Errorf("no error:\n%s", out.String())
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSieve(t *testing.T) {
	for text, want := range map[string]string{
		"2, 3, 5, 7, 11":    "",
		"2, 3, 5, 7, 9, 11": "prime number 5",
		"2, 3, 7":           "prime number 3",
		"2, 3, 5, 6":        "the file has 4 numbers",
		"2, 3, x":           "invalid syntax",
	} {
		file := filepath.Join(t.TempDir(), "numbers")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := agreesWithSieve(file)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
