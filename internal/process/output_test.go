//go:build linux

package process

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

func TestOutputIsBoundedWhileItIsWritten(t *testing.T) {
	b := newBench(t)
	s := b.start("chatter", "32")
	b.await("chatter")
	path := b.supervisor.output.path(s.token, ".out")
	b.eventually("the file is cut", func() bool { return diskUse(t, path) <= 600<<10 })
	text := b.output(s.token)
	if !strings.HasSuffix(text, "x\nthe end\n") || len(text) < 500<<10 || len(text) > 600<<10 {
		t.Errorf("%d bytes, ending in %q", len(text), text[max(0, len(text)-20):])
	}
	b.signal(s, unix.SIGTERM)
	b.finish(s)
}

// diskUse returns the disk space of a file according to du, which shares no code with
// the package.
func diskUse(t *testing.T, path string) int {
	t.Helper()
	out, err := exec.Command("du", "-k", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	kib, err := strconv.Atoi(strings.Fields(string(out))[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

func TestCutHead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	text := strings.Repeat("0123456789abcde\n", 64<<10>>4) + "end"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, keep := range []int64{1 << 20, 64 << 10, 9000, 9000} {
		if _, err := cutHead(path, keep); err != nil {
			t.Fatal(err)
		}
		b := readRange(f, 0, int64(len(text)))
		if want := min(keep, int64(len(text))); int64(len(b)) < want || int64(len(b)) > want+2*block {
			t.Errorf("keep %d: %d bytes are left", keep, len(b))
		}
		if !strings.HasSuffix(text, string(b)) {
			t.Errorf("keep %d: what is left is not the end", keep)
		}
	}
}

func newTestOutput(t *testing.T, perLaunch, all int64) *output {
	return newOutput(t.TempDir(), perLaunch, all, slog.New(slog.DiscardHandler))
}

// writeOutput makes a launch that wrote n bytes at an hour and then ended.
func writeOutput(t *testing.T, o *output, hour, n int) task.LaunchToken {
	t.Helper()
	token := newToken()
	f, err := o.open(token)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	if _, err := f.out.Write(bytes.Repeat([]byte("x"), n)); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0).Add(time.Duration(hour) * time.Hour)
	for _, suffix := range suffixes {
		if err := os.Chtimes(o.path(token, suffix), at, at); err != nil {
			t.Fatal(err)
		}
	}
	o.finish(token)
	return token
}

func TestTheOldestOutputGoesFirst(t *testing.T) {
	o := newTestOutput(t, 1<<20, 100<<10)
	live, err := o.open(newToken())
	if err != nil {
		t.Fatal(err)
	}
	defer live.close()
	var tokens []task.LaunchToken
	for hour := range 20 {
		tokens = append(tokens, writeOutput(t, o, hour, 10<<10))
	}
	var sum int64
	for i, token := range tokens {
		_, err := os.Stat(o.path(token, ".out"))
		if i < 10 && err == nil {
			t.Errorf("launch %d is still there", i)
		}
		if i > 15 && err != nil {
			t.Errorf("launch %d went: %v", i, err)
		}
		if err == nil {
			sum += o.kept(token)
		}
	}
	if sum > 100<<10 {
		t.Errorf("%d bytes are kept", sum)
	}
	if _, err := os.Stat(live.out.Name()); err != nil {
		t.Errorf("the output of a live launch: %v", err)
	}
}

func TestEmptyOutputLeavesNoFile(t *testing.T) {
	o := newTestOutput(t, 1<<20, 1<<20)
	writeOutput(t, o, 0, 0)
	if names, err := os.ReadDir(o.dir); err != nil || len(names) != 0 {
		t.Errorf("left: %v, %v", names, err)
	}
}

// A long-lived server serves several runs; each is shown what was written in it.
func TestOutputOfATimeSpan(t *testing.T) {
	o := newTestOutput(t, 1<<20, 1<<20)
	token := newToken()
	f, err := o.open(token)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	begin := time.Unix(1_700_000_000, 0)
	at := func(s int) time.Time { return begin.Add(time.Duration(s) * time.Second) }
	write := func(s int, file *os.File, text string) {
		t.Helper()
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := o.appendMark(token, mark{at(s - 1), at(s), o.sizes(token)}); err != nil {
			t.Fatal(err)
		}
	}
	write(10, f.out, "first ")
	write(20, f.err, "second ")
	write(30, f.out, "third ")
	tests := []struct {
		from, to int
		want     string
	}{
		{0, 100, "first second third "},
		{0, 12, "first "},
		{5, 15, "first "},
		{15, 25, "second "},
		{25, 31, "third "},
		{10, 20, "first second "},
		{11, 18, ""},
		{40, 50, ""},
	}
	for _, test := range tests {
		chunks, err := o.read(token, at(test.from), at(test.to))
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, c := range chunks {
			got.Write(c.Text)
			if isErr := string(c.Text) == "second "; isErr != (c.Stream == Stderr) {
				t.Errorf("%q on %v", c.Text, c.Stream)
			}
		}
		if got.String() != test.want {
			t.Errorf("from %d to %d: %q, want %q", test.from, test.to, got.String(), test.want)
		}
	}
	if _, err := o.read(newToken(), time.Time{}, time.Time{}); err == nil {
		t.Error("output of a launch that never was")
	}
}

func TestMarksStayFew(t *testing.T) {
	o := newTestOutput(t, 1<<20, 1<<20)
	token := newToken()
	f, err := o.open(token)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for range 3 * maxMarks {
		if _, err := f.out.WriteString("line\n"); err != nil {
			t.Fatal(err)
		}
		o.look()
	}
	marks := o.readMarks(token)
	if len(marks) > maxMarks || len(marks) < maxMarks/4 {
		t.Errorf("%d marks", len(marks))
	}
	if r := o.live[token]; r.marks != len(marks) {
		t.Errorf("%d marks, counted as %d", len(marks), r.marks)
	}
	if got, want := marks[len(marks)-1].sizes, o.sizes(token); got != want {
		t.Errorf("the last mark says %v, want %v", got, want)
	}
}

func FuzzParseMarks(f *testing.F) {
	f.Add([]byte(mark{time.Unix(1, 0), time.Unix(2, 0), [2]int64{3, 4}}.String()))
	f.Add([]byte("1 2 3 4\n1 2"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var last mark
		var again []byte
		marks := parseMarks(b)
		for _, m := range marks {
			if !m.follows(last) {
				t.Errorf("%v after %v", m, last)
			}
			last = m
			again = append(again, m.String()...)
		}
		if n := len(parseMarks(again)); n != len(marks) {
			t.Errorf("%d marks, read again %d", len(marks), n)
		}
	})
}
