//go:build linux

package process

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// A mark dates output. It has the sizes of a launch's streams at an instant. What lies
// between the sizes of two marks was written between the later mark's since and time.
type mark struct {
	since, time time.Time
	sizes       [2]int64
}

// noticeWithin bounds the time from a write to its mark while a broker is running: the pause
// between two looks, and as much again for a busy machine.
const noticeWithin = 2 * lookPause

// maxMarks bounds the marks of one launch. Beyond it every other mark is dropped, and half of
// the precision with it.
const maxMarks = 2048

func (m mark) String() string {
	return fmt.Sprintf("%d %d %d %d\n", m.since.UnixNano(), m.time.UnixNano(), m.sizes[Stdout], m.sizes[Stderr])
}

// parseMarks reads marks as String writes them. It skips invalid lines: a broker that died
// may have left half a line.
func parseMarks(b []byte) []mark {
	var marks []mark
	var last mark
	for line := range bytes.Lines(b) {
		var m mark
		var since, at int64
		n, _ := fmt.Sscanf(string(line), "%d %d %d %d\n", &since, &at, &m.sizes[Stdout], &m.sizes[Stderr])
		if n != 4 || line[len(line)-1] != '\n' {
			continue
		}
		m.since, m.time = time.Unix(0, since), time.Unix(0, at)
		if m.follows(last) {
			marks = append(marks, m)
			last = m
		}
	}
	return marks
}

// follows reports whether no stream is shorter in m than in before. Times may go backward,
// when the clock is set.
func (m mark) follows(before mark) bool {
	return m.sizes[Stdout] >= before.sizes[Stdout] && m.sizes[Stderr] >= before.sizes[Stderr]
}

func (o *output) readMarks(t task.LaunchToken) []mark {
	b, err := os.ReadFile(o.path(t, marksSuffix))
	if err != nil {
		return nil
	}
	return parseMarks(b)
}

// resume begins to record a launch, or continues where an earlier broker stopped.
func (o *output) resume(t task.LaunchToken) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := &recording{}
	if marks := o.readMarks(t); len(marks) > 0 {
		r.last, r.marks = marks[len(marks)-1], len(marks)
	}
	o.live[t] = r
	o.note(t, r, r.last.time) // since then no broker has looked
}

// note adds a mark if something was written after the last mark. What was written is not
// older than since.
func (o *output) note(t task.LaunchToken, r *recording, since time.Time) {
	m := mark{sizes: o.sizes(t)}
	if m.sizes == r.last.sizes {
		return
	}
	m.time = time.Now()
	m.since = since
	if since.IsZero() {
		m.since = time.Unix(0, 0)
	}
	err := error(nil)
	switch {
	case !m.follows(r.last): // the file was emptied, because no hole could be punched
		r.marks = 0
		err = os.WriteFile(o.path(t, marksSuffix), []byte(m.String()), 0o600)
	case r.marks >= maxMarks:
		err = o.thin(t, r, m)
	default:
		err = o.appendMark(t, m)
	}
	r.last = m
	r.marks++
	if err != nil {
		o.log.Warn("cannot record the times of output", "launch", t, "error", err)
	}
}

func (o *output) appendMark(t task.LaunchToken, m mark) error {
	f, err := os.OpenFile(o.path(t, marksSuffix), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(m.String())
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// thin rewrites the marks. It drops those of text that was cut, and every second one of the
// others.
func (o *output) thin(t task.LaunchToken, r *recording, last mark) error {
	marks := slices.DeleteFunc(o.readMarks(t), func(m mark) bool {
		return m.sizes[Stdout] < last.sizes[Stdout]-o.perStream && m.sizes[Stderr] < last.sizes[Stderr]-o.perStream
	})
	var b bytes.Buffer
	r.marks = 0
	for i := 1; i < len(marks); i += 2 {
		b.WriteString(marks[i].String())
		r.marks++
	}
	b.WriteString(last.String())
	// A broker that dies here loses times, but no text.
	return os.WriteFile(o.path(t, marksSuffix), b.Bytes(), 0o600)
}
