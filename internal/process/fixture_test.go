//go:build linux

package process

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// patience bounds every wait of a test. It is long enough for a slow machine.
const patience = 30 * time.Second

// bench is a supervisor, and the pipe on which the servers that it starts report.
type bench struct {
	t          *testing.T
	supervisor *Supervisor
	state      string
	dir        string
	pipe       string
	reports    chan []string
	seen       map[string]int // pids of those that reported
	close      func()         // the supervisor
}

func newBench(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), state: newToken().String(), reports: make(chan []string, 1000), seen: map[string]int{}}
	b.pipe = filepath.Join(b.dir, "reports")
	if err := unix.Mkfifo(b.pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	b.listen()
	t.Cleanup(b.nothingLeft)
	o := Options{StateID: b.state, OutputDir: filepath.Join(b.dir, "output"), KillDelay: 200 * time.Millisecond}
	for _, f := range change {
		f(&o)
	}
	b.open(o)
	return b
}

func (b *bench) open(o Options) {
	b.t.Helper()
	var err error
	if b.supervisor, err = New(o); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan struct{})
	supervisor := b.supervisor
	go func() { defer close(ran); supervisor.Run(ctx) }()
	b.close = func() { cancel(); <-ran }
	b.t.Cleanup(b.close)
}

func (b *bench) listen() {
	f, err := os.OpenFile(b.pipe, os.O_RDWR, 0) // also open for writing, so that reading never ends
	if err != nil {
		b.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for s := bufio.NewScanner(f); s.Scan(); {
			b.reports <- strings.Fields(s.Text())
		}
	}()
	b.t.Cleanup(func() { f.Close(); <-done })
}

// await waits until all of names have reported, and returns the pid of the first.
func (b *bench) await(names ...string) int {
	b.t.Helper()
	for _, name := range names {
		for b.seen[name] == 0 {
			b.report()
		}
	}
	return b.seen[names[0]]
}

func (b *bench) report() []string {
	b.t.Helper()
	r := receive(b.t, b.reports, "a report of a helper")
	pid, err := strconv.Atoi(r[1])
	if err != nil {
		b.t.Fatal(err)
	}
	b.seen[r[0]] = pid
	return r
}

// server returns a class server that runs this test program in a helper's mode.
func (b *bench) server(args ...string) task.ClassServer {
	return task.ClassServer{Executable: executable(), Arguments: append([]string{helperArg, b.pipe}, args...), Dir: b.dir}
}

func executable() string {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return exe
}

// started is a launch and what its callbacks reported.
type started struct {
	token   task.LaunchToken
	process task.Process
	exited  chan Exit
	ended   chan Ended
}

func watch() (started, Callbacks) {
	s := started{token: newToken(), exited: make(chan Exit, 2), ended: make(chan Ended, 2)}
	return s, Callbacks{
		Exited: func(e Exit) { s.exited <- e },
		Ended:  func(e Ended) { s.ended <- e },
	}
}

func (b *bench) start(args ...string) started {
	b.t.Helper()
	s, w := watch()
	var err error
	s.process, err = b.supervisor.Start(b.t.Context(), b.server(args...), s.token, os.Environ(), w)
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// finish waits for both callbacks.
func (b *bench) finish(s started) Exit {
	b.t.Helper()
	exit := receive(b.t, s.exited, "the leader's exit")
	if ended := receive(b.t, s.ended, "the end of the tree"); len(ended.Left) > 0 {
		b.t.Errorf("left: %v", ended.Left)
	}
	return exit
}

func (b *bench) signal(s started, sig syscall.Signal) {
	b.t.Helper()
	if err := b.supervisor.Signal(s.token, sig); err != nil {
		b.t.Fatalf("Signal(%v): %v", sig, err)
	}
}

func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("no sign of %s", what)
		panic("unreachable")
	}
}

// gone waits until no process, not even a zombie, has the pid.
func (b *bench) gone(pid int) {
	b.t.Helper()
	b.eventually(fmt.Sprintf("pid %d is gone", pid), func() bool {
		return errors.Is(unix.Kill(pid, 0), unix.ESRCH)
	})
}

// eventually polls until holds returns true, for states whose change nothing signals.
func (b *bench) eventually(what string, holds func() bool) {
	b.t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("never so: %s", what)
		}
	}
}

// nothingLeft checks that no helper of the test is alive or a zombie. It looks at command
// lines, so it also finds processes that the supervisor cannot know.
func (b *bench) nothingLeft() {
	for _, pid := range b.helpers() {
		b.t.Errorf("process %d is left", pid)
		unix.Kill(pid, unix.SIGKILL)
	}
	for name, pid := range b.seen {
		if unix.Kill(pid, 0) == nil {
			b.t.Errorf("process %d (%s) is left as a zombie", pid, name)
		}
	}
}

func (b *bench) helpers() (pids []int) {
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, name := range lines {
		cmd, err := os.ReadFile(name)
		if err == nil && bytes.Contains(cmd, []byte(b.pipe)) {
			pid, _ := strconv.Atoi(strings.Split(name, "/")[2])
			pids = append(pids, pid)
		}
	}
	return pids
}

func newToken() (t task.LaunchToken) {
	rand.Read(t[:])
	return t
}
