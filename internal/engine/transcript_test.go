package engine

import (
	"bufio"
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts anew from what the engine does; commit the difference only if you understand it")

// TestTranscripts runs every file of testdata: blocks of commands, "----", and
// what the engine answered, up to an empty line. Lines that begin with # are prose.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runTranscript(t, file) })
	}
}

func runTranscript(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	w := newWorld(t)
	var commands []string
	answering := false
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
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
	if *rewrite {
		if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := strings.TrimRight(string(text), "\n")
	if have := strings.TrimRight(got.String(), "\n"); have != want {
		t.Errorf("%s differs (-want +got); -rewrite writes it anew:\n%s", file, diff(want, have))
	}
}

// diff shows the lines that differ, with one before.
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
