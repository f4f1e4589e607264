//go:build linux

package process

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/bgtask/bgtask/task"
)

// Bounds of what is kept, in bytes: see section 10 of doc/SEMANTICS.md.
const (
	outputPerLaunch = 1 << 20
	outputAll       = 100 << 20
)

// Stream is standard output or standard error.
type Stream uint8

// The streams of a process.
const (
	Stdout Stream = iota
	Stderr
)

// String returns "stdout" or "stderr".
func (s Stream) String() string {
	if s == Stderr {
		return "stderr"
	}
	return "stdout"
}

// suffixes are the suffixes of the files with a launch's streams.
var suffixes = [...]string{Stdout: ".out", Stderr: ".err"}

const marksSuffix = ".times"

// output keeps the output of launches. Each launch has one file for each stream, to which
// its processes append directly, and one file with the times at which these grew.
//
// A file that grows beyond its bound loses its beginning: a hole is punched there, which
// frees the space and leaves every offset unchanged.
type output struct {
	dir       string
	perStream int64
	all       int64
	log       *slog.Logger

	mu    sync.Mutex
	live  map[task.LaunchToken]*recording
	total int64 // kept of all launches, approximately; -1 when not counted yet
}

// recording is the output of a live launch.
type recording struct {
	last  mark
	marks int // in the file
}

func newOutput(dir string, perLaunch, all int64, log *slog.Logger) *output {
	return &output{dir: dir, perStream: perLaunch / 2, all: all, log: log, live: map[task.LaunchToken]*recording{}, total: -1}
}

func (o *output) path(t task.LaunchToken, suffix string) string {
	return filepath.Join(o.dir, t.String()+suffix)
}

// files are the open streams of a launch that is being started.
type files struct {
	out, err *os.File
	begin    int64 // of this launch's standard error
	ids      []fileID
}

func (f *files) close() {
	_ = f.out.Close() // nothing is written through these descriptors
	_ = f.err.Close()
}

// open makes the files of a launch and begins to record it. A launch that is started again
// appends to its files.
func (o *output) open(t task.LaunchToken) (*files, error) {
	f := &files{}
	for s, to := range []**os.File{Stdout: &f.out, Stderr: &f.err} {
		// Appending, so that a file may be cut while it is written to.
		file, err := os.OpenFile(o.path(t, suffixes[s]), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
		if err != nil {
			if f.out != nil {
				_ = f.out.Close()
			}
			return nil, fmt.Errorf("output of a launch: %w", err)
		}
		*to = file
	}
	f.ids = o.files(t)
	o.resume(t)
	f.begin = o.sizes(t)[Stderr]
	return f, nil
}

// files returns the identities of the files that a launch writes to.
func (o *output) files(t task.LaunchToken) []fileID {
	var ids []fileID
	for _, suffix := range suffixes {
		if id, ok := identifyFile(o.path(t, suffix)); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

func (o *output) sizes(t task.LaunchToken) (sizes [2]int64) {
	for s, suffix := range suffixes {
		if info, err := os.Stat(o.path(t, suffix)); err == nil {
			sizes[s] = info.Size()
		}
	}
	return sizes
}

// tail returns the end of a launch's standard error, from begin on: whole lines, at most
// task.MaxStderrTail bytes.
func (o *output) tail(t task.LaunchToken, begin int64) string {
	f, err := os.Open(o.path(t, suffixes[Stderr]))
	if err != nil {
		return ""
	}
	defer f.Close()
	size := o.sizes(t)[Stderr]
	if size < begin {
		begin = 0 // the file was emptied
	}
	from := max(begin, size-task.MaxStderrTail)
	b := readRange(f, from, size)
	text := strings.ToValidUTF8(string(b), "\uFFFD")
	if over := len(text) - task.MaxStderrTail; over > 0 {
		text = strings.ToValidUTF8(text[over:], "")
	}
	if _, whole, ok := strings.Cut(text, "\n"); ok && from > begin && whole != "" {
		text = whole
	}
	return strings.TrimRight(strings.TrimLeft(text, "\x00"), "\r\n\t ")
}

// Chunk is a piece of output.
type Chunk struct {
	Stream Stream
	Time   time.Time // when it was noticed, about a second after it was written at most
	Text   []byte
}

// Output returns the kept output of a launch between two instants. It includes everything
// that was written in that time, and what may have been written in it: usually no more than
// two seconds' worth. A zero instant is no bound. The chunks are in order of time.
func (s *Supervisor) Output(token task.LaunchToken, from, to time.Time) ([]Chunk, error) {
	return s.output.read(token, from, to)
}

func (o *output) read(t task.LaunchToken, from, to time.Time) ([]Chunk, error) {
	var streams [2]*os.File
	var shown [2]int64 // the offset up to which each was read
	marks := o.marksUntilNow(t)
	for s, suffix := range suffixes {
		f, err := os.Open(o.path(t, suffix))
		if err != nil {
			return nil, fmt.Errorf("the output of launch %s is no longer kept: %w", t, err)
		}
		defer f.Close()
		streams[s] = f
		shown[s] = o.keptFrom(f, marks[len(marks)-1].sizes[s])
	}
	var chunks []Chunk
	for _, m := range marks {
		within := !m.time.Before(from) && (to.IsZero() || !m.since.After(to))
		for s, f := range streams {
			begin, end := shown[s], m.sizes[s]
			shown[s] = max(begin, end)
			if !within || begin >= end {
				continue
			}
			if b := readRange(f, begin, end); len(b) > 0 {
				chunks = append(chunks, Chunk{Stream: Stream(s), Time: m.time, Text: b})
			}
		}
	}
	return chunks, nil
}

// marksUntilNow returns the marks of a launch, and one for the output that has none yet.
func (o *output) marksUntilNow(t task.LaunchToken) []mark {
	o.mu.Lock()
	defer o.mu.Unlock()
	marks := o.readMarks(t)
	now := mark{sizes: o.sizes(t), time: time.Now()}
	if o.live[t] != nil {
		now.since = now.time.Add(-noticeWithin)
	} else if len(marks) > 0 {
		now.since = marks[len(marks)-1].time
	}
	return append(marks, now)
}

// readRange reads a part of a file, without the zeros of a hole before its text.
func readRange(f *os.File, from, to int64) []byte {
	if from >= to {
		return nil
	}
	b := make([]byte, to-from)
	n, _ := f.ReadAt(b, from) // if the file was emptied meanwhile, less is read
	return trimHole(b[:n])
}

func trimHole(b []byte) []byte {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return b
}
