package engine

import (
	"bufio"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "update the transcripts to what the engine does; commit the difference only if you understand it")

// TestTranscripts runs every file of testdata: blocks of commands, "----", and what the
// engine answered, up to an empty line. Lines that begin with # are prose.
func TestTranscripts(t *testing.T) {
	for _, file := range transcripts(t) {
		t.Run(subject(file), func(t *testing.T) { runTranscript(t, file) })
	}
}

// TestTranscriptsRepeat checks that the same events give the same output, byte for
// byte.
func TestTranscriptsRepeat(t *testing.T) {
	for _, file := range transcripts(t) {
		text := read(t, file)
		first := play(t, text)
		for range 3 {
			if again := play(t, text); again != first {
				t.Errorf("%s: a second run differs (-first +again):\n%s", file, diff(first, again))
				break
			}
		}
	}
}

func transcripts(t *testing.T) []string {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	return files
}

func subject(file string) string { return strings.TrimSuffix(filepath.Base(file), ".txt") }

func read(t *testing.T, file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func runTranscript(t *testing.T, file string) {
	text := read(t, file)
	got := play(t, text)
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := strings.TrimRight(text, "\n")
	if have := strings.TrimRight(got, "\n"); have != want {
		t.Errorf("%s differs (-want +got); -rewrite updates it:\n%s", file, diff(want, have))
	}
}

// play returns the transcript with the answers of a new world.
func play(t *testing.T, text string) string {
	var got strings.Builder
	w := newWorld(t)
	var commands []string
	answering := false
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		switch {
		case answering && line != "":
			continue
		case answering:
			answering = false
			got.WriteString("\n")
		case line == "----":
			got.WriteString("----\n")
			for _, c := range commands {
				got.WriteString(w.run(c))
			}
			commands, answering = nil, true
		default:
			got.WriteString(line + "\n")
			if line != "" && !strings.HasPrefix(line, "#") {
				commands = append(commands, line)
			}
		}
	}
	if len(commands) > 0 {
		t.Errorf("%s: commands without ----: %q", t.Name(), commands)
	}
	return got.String()
}

// diff shows the lines that differ, each with the line before.
func diff(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out strings.Builder
	for i := 0; i < max(len(a), len(b)); i++ {
		x, y := at(a, i), at(b, i)
		if x == y {
			continue
		}
		out.WriteString("  " + at(a, i-1) + "\n- " + x + "\n+ " + y + "\n")
		if out.Len() > 2000 {
			out.WriteString("...\n")
			break
		}
	}
	return out.String()
}

func at(s []string, i int) string {
	if i < 0 || i >= len(s) {
		return ""
	}
	return s[i]
}
