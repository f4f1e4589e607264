//go:build linux

package e2e

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/task"
)

// The runs themselves write the journal. Each line is one write to a file opened for
// appending, so lines of several processes do not mix.

// note writes a line to the journal.
func note(format string, args ...any) { noteIn(inHome("journal"), format, args...) }

func noteIn(path, format string, args ...any) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(f, format+"\n", args...)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "the journal:", err)
		os.Exit(70)
	}
}

// monotonic is CLOCK_MONOTONIC, which all processes share.
func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return ts.Nano()
}

// enter notes that a run has begun, and returns a function that notes its end. In
// between the run holds a lock of its task, so the kernel detects a second run.
func enter(i *bgtask.Instance) (leave func()) {
	return enterAs(stay{
		task: i.Task().TaskID(), number: i.Occurrence().Number, attempt: i.Attempt(), instance: i.InstanceID(), pid: os.Getpid(), script: scriptOf(i),
	})
}

func enterAs(s stay) (leave func()) {
	lock, err := os.OpenFile(inHome("locks/"+s.task.String()), os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err != nil {
		note("overlap %s %d %v", s.task, s.pid, err)
	}
	what := fmt.Sprintf("%s %d %d %s %d", s.task, s.number, s.attempt, s.instance, s.pid)
	note("enter %s %d %q", what, monotonic(), s.script)
	return func() {
		note("leave %s %d %q", what, monotonic(), "")
		lock.Close()
	}
}

// nameID derives an ID from a name.
func nameID(name string) (id task.GUID) {
	sum := sha256.Sum256([]byte(name))
	copy(id[:], sum[:])
	return id
}

// stay is a run as the journal records it.
type stay struct {
	task     task.GUID
	number   uint64
	attempt  int
	instance task.GUID
	pid      int
	script   string
	from, to int64 // CLOCK_MONOTONIC; to is 0 if the run never left
}

// lines returns the lines of the journal that begin with a word.
func (w *world) lines(word string) [][]string {
	w.t.Helper()
	b, err := os.ReadFile(w.path("journal"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	var all [][]string
	for line := range strings.Lines(string(b)) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[0] == word {
			all = append(all, fields[1:])
		}
	}
	return all
}

// stays returns all runs of the journal, in the order in which they began.
func (w *world) stays() []*stay {
	w.t.Helper()
	var all []*stay
	for _, f := range w.lines("enter") {
		s := w.stay(f)
		all = append(all, s)
	}
	for _, f := range w.lines("leave") {
		left := w.stay(f)
		i := slices.IndexFunc(all, func(s *stay) bool { return s.instance == left.instance && s.to == 0 })
		if i < 0 {
			w.t.Fatalf("the journal has an end without a beginning: %v", f)
		}
		all[i].to = left.from
	}
	return all
}

func (w *world) stay(f []string) *stay {
	w.t.Helper()
	s := &stay{task: task.MustGUID(f[0]), instance: task.MustGUID(f[3])}
	var errs [4]error
	s.number, errs[0] = strconv.ParseUint(f[1], 10, 64)
	s.attempt, errs[1] = strconv.Atoi(f[2])
	s.pid, errs[2] = strconv.Atoi(f[4])
	s.from, errs[3] = strconv.ParseInt(f[5], 10, 64)
	s.script, _ = strconv.Unquote(strings.Join(f[6:], " "))
	if err := errors.Join(errs[:]...); err != nil {
		w.t.Fatalf("the journal has a bad line: %v: %v", f, err)
	}
	return s
}

// checkOverlap checks that no two runs of a task were live at the same time, and that
// no run was entered twice.
func (w *world) checkOverlap() {
	w.t.Helper()
	for _, line := range w.lines("overlap") {
		w.t.Errorf("two runs of task %s at the same time, one of them in pid %s", line[0], line[1])
	}
	entered := make(map[task.GUID]bool)
	last := make(map[task.GUID]*stay)
	for _, s := range w.stays() {
		if entered[s.instance] {
			w.t.Errorf("instance %v of occurrence %d was entered twice", s.instance, s.number)
		}
		entered[s.instance] = true
		if before := last[s.task]; before != nil && s.from < before.to {
			w.t.Errorf("task %v: occurrence %d began %d ns before occurrence %d had ended", s.task, s.number, before.to-s.from, before.number)
		}
		last[s.task] = s
	}
}
