//go:build linux

package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

func TestExitIsReportedAtOnce(t *testing.T) {
	b := newBench(t)
	for _, code := range []int{0, 3, 75} {
		s := b.start("exit", fmt.Sprint(code))
		exit := b.finish(s)
		if want := (Exit{Known: true, Code: code}); exit != want {
			t.Errorf("exit = %+v, want %+v", exit, want)
		}
		b.gone(s.process.PID)
		if b.supervisor.Alive(s.process) {
			t.Error("alive after its end")
		}
	}
}

func TestSignals(t *testing.T) {
	for _, sig := range []unix.Signal{unix.SIGTERM, unix.SIGKILL} {
		t.Run(unix.SignalName(sig), func(t *testing.T) {
			b := newBench(t)
			s := b.start("hang", "server")
			b.await("server")
			if !b.supervisor.Alive(s.process) {
				t.Fatal("not alive")
			}
			b.signal(s, sig)
			exit := b.finish(s)
			if !exit.Known || exit.Signal != sig || exit.String() != "signal "+sig.String() {
				t.Errorf("exit = %+v (%s)", exit, exit)
			}
			if err := b.supervisor.Signal(s.token, sig); err != ErrGone {
				t.Errorf("a signal after the end: %v, want ErrGone", err)
			}
		})
	}
}

func TestStubbornServerNeedsSIGKILL(t *testing.T) {
	b := newBench(t)
	s := b.start("stubborn", "server")
	b.await("server")
	b.signal(s, unix.SIGTERM)
	if !b.supervisor.Alive(s.process) {
		t.Fatal("SIGTERM ended it")
	}
	b.signal(s, unix.SIGKILL)
	if exit := b.finish(s); exit.Signal != unix.SIGKILL {
		t.Errorf("exit = %+v", exit)
	}
}

func TestStoppedServerGetsSIGTERM(t *testing.T) {
	b := newBench(t)
	s := b.start("hang", "server")
	b.await("server")
	b.signal(s, unix.SIGSTOP)
	b.signal(s, unix.SIGTERM)
	if exit := b.finish(s); exit.Signal != unix.SIGTERM {
		t.Errorf("exit = %+v", exit)
	}
}

// Each tree is shaped so that only one or two of the marks are left to find its
// processes by.
func TestTheWholeTreeEnds(t *testing.T) {
	trees := []struct {
		name  string
		args  []string
		found string
	}{
		{"same group", []string{"start", "leave", "hang", "rest"}, "rest"},
		{"same group, stubborn", []string{"start", "leave", "stubborn", "rest"}, "rest"},
		{"same group, environment cleared", []string{"start", "leave", "clearenv", "quiet", "hang", "rest"}, "rest"},
		{"daemon with its environment", []string{"start", "leave", "setsid", "quiet", "detach", "quiet", "stubborn", "rest"}, "rest"},
		{"daemon of a server that took itself for launched", []string{"start", "leave", "setsid", "unlaunched", "quiet", "detach", "quiet", "stubborn", "rest"}, "rest"},
		{"daemon with its output", []string{"start", "leave", "setsid", "clearenv", "detach", "hang", "rest"}, "rest"},
	}
	for _, tree := range trees {
		t.Run(tree.name, func(t *testing.T) {
			b := newBench(t)
			s := b.start(tree.args...)
			if exit := receive(t, s.exited, "the leader's exit"); exit.String() != "exit 0" {
				t.Errorf("exit = %+v", exit)
			}
			if ended := receive(t, s.ended, "the end of the tree"); len(ended.Left) > 0 {
				t.Errorf("left: %v", ended.Left)
			}
			// It may have been ended before it could report.
			if left := b.helpers(); len(left) > 0 {
				t.Errorf("alive after the end of the tree: %v", left)
			}
		})
	}
}

// Only its parent shows that it belongs to the launch.
func TestSignalReachesDescendants(t *testing.T) {
	b := newBench(t)
	s := b.start("start", "server", "setsid", "clearenv", "quiet", "stubborn", "rest")
	rest := b.await("rest", "server")
	b.signal(s, unix.SIGTERM)
	b.finish(s) // SIGKILL for the rest: it was seen in the tree before its parent went
	b.gone(rest)
}

func TestSignalDuringStart(t *testing.T) {
	b := newBench(t)
	s, w := watch()
	l, err := b.supervisor.reserve(s.token, w)
	if err != nil {
		t.Fatal(err)
	}
	b.signal(s, unix.SIGTERM) // as if while it forks
	if _, err := b.supervisor.start(l, b.server("hang", "server"), os.Environ()); err != nil {
		t.Fatal(err)
	}
	l.deliverWaiting()
	if exit := b.finish(s); exit.Signal != unix.SIGTERM {
		t.Errorf("exit = %+v", exit)
	}
}

func TestLastWords(t *testing.T) {
	b := newBench(t)
	exit := b.finish(b.start("print", "3", "1"))
	if want := "line 0 of the last words\nline 1 of the last words\nline 2 of the last words"; exit.Stderr != want {
		t.Errorf("stderr = %q, want %q", exit.Stderr, want)
	}
	exit = b.finish(b.start("print", "100000", "1"))
	if n := len(exit.Stderr); n > task.MaxStderrTail || n < task.MaxStderrTail-64 {
		t.Errorf("%d bytes of stderr", n)
	}
	if !strings.HasPrefix(exit.Stderr, "line ") || !strings.HasSuffix(exit.Stderr, "line 99999 of the last words") {
		t.Errorf("not whole lines to the last: %q ... %q", exit.Stderr[:30], exit.Stderr[len(exit.Stderr)-30:])
	}
}

func TestWhatAServerFinds(t *testing.T) {
	b := newBench(t)
	s, w := watch()
	env := []string{"HOME=/nowhere", task.LaunchEnv + "=another", "PWD=/wrong"}
	if _, err := b.supervisor.Start(t.Context(), b.server("show"), s.token, env, w); err != nil {
		t.Fatal(err)
	}
	b.finish(s)
	dir, err := filepath.EvalSymlinks(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("dir %s session true stdin /dev/null\nHOME=/nowhere\nPWD=%s\nBGTASK_LAUNCH=%[3]s\nBGTASK_TREE=%[3]s\nBGTASK_STATE=%s\n", dir, b.dir, s.token, b.state)
	if got := b.output(s.token); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func (b *bench) output(token task.LaunchToken) string {
	b.t.Helper()
	chunks, err := b.supervisor.Output(token, time.Time{}, time.Time{})
	if err != nil {
		b.t.Fatal(err)
	}
	var all strings.Builder
	for _, c := range chunks {
		all.Write(c.Text)
	}
	return all.String()
}

func TestStartSaysWhyNot(t *testing.T) {
	b := newBench(t)
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(b.dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	exe := executable()
	file := write("file", "", 0o600)
	tests := []struct {
		name   string
		server task.ClassServer
		is     error
		says   string
	}{
		{"missing", task.ClassServer{Executable: "/nowhere/server"}, ErrNoExecutable, "start: /nowhere/server: the executable is missing"},
		{"relative", task.ClassServer{Executable: "server"}, ErrNoExecutable, "not absolute"},
		{"directory", task.ClassServer{Executable: b.dir}, ErrNotRunnable, "the executable is not a regular file"},
		{"not executable", task.ClassServer{Executable: file}, ErrNotRunnable, "you do not have permission to execute it"},
		{"no format", task.ClassServer{Executable: write("text", "hello", 0o700)}, ErrNotRunnable, "it is not a program for this machine"},
		{"no interpreter", task.ClassServer{Executable: write("script", "#!/nowhere/sh\n", 0o700)}, ErrNotRunnable, "interpreter"},
		{"no directory", task.ClassServer{Executable: exe, Dir: "/nowhere"}, ErrNoDirectory, "the working directory /nowhere is missing"},
		{"directory is a file", task.ClassServer{Executable: exe, Dir: file}, ErrNoDirectory, "is not a directory"},
		{"file on the way", task.ClassServer{Executable: file + "/x"}, ErrNotRunnable, "not a directory"},
		{"NUL", task.ClassServer{Executable: exe, Arguments: []string{"a\x00b"}}, ErrNotRunnable, "NUL"},
		{"too long", task.ClassServer{Executable: exe, Arguments: []string{strings.Repeat("x", 1<<20)}}, ErrNotRunnable, "too long"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, w := watch()
			_, err := b.supervisor.Start(t.Context(), test.server, s.token, nil, w)
			if !errors.Is(err, test.is) {
				t.Errorf("error %v is not %v", err, test.is)
			}
			if !strings.Contains(fmt.Sprint(err), test.says) {
				t.Errorf("error %q does not say %q", err, test.says)
			}
			if n := len(b.supervisor.Launches()); n != 0 {
				t.Errorf("%d launches after a failed start", n)
			}
		})
	}
	entries, err := os.ReadDir(b.supervisor.output.dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("failed starts left files: %v, %v", entries, err)
	}
}

func TestATokenStartsOnce(t *testing.T) {
	b := newBench(t)
	s := b.start("hang", "server")
	if _, err := b.supervisor.Start(t.Context(), b.server("hang", "second"), s.token, nil, Callbacks{}); !errors.Is(err, task.ErrConflict) {
		t.Errorf("a second start: %v, want ErrConflict", err)
	}
	b.signal(s, unix.SIGKILL)
	b.finish(s)
}

func TestManyStartsAtOnce(t *testing.T) {
	b := newBench(t)
	var work sync.WaitGroup
	for i := range 100 {
		work.Go(func() {
			s, w := watch()
			if _, err := b.supervisor.Start(t.Context(), b.server("exit", fmt.Sprint(i)), s.token, os.Environ(), w); err != nil {
				t.Error(err)
				return
			}
			select {
			case exit := <-s.exited:
				if want := (Exit{Known: true, Code: i}); exit != want {
					t.Errorf("exit = %+v, want %+v", exit, want)
				}
			case <-time.After(patience):
				t.Error("no exit")
				return
			}
			<-s.ended
		})
	}
	work.Wait()
	if n := len(b.supervisor.Launches()); n != 0 {
		t.Errorf("%d launches after all ended", n)
	}
}

// An orphan that ends by itself must not stay a zombie while its launch lives.
func TestOrphansAreReaped(t *testing.T) {
	b := newBench(t)
	s := b.start("start", "server", "detach", "hang", "orphan")
	orphan := b.await("orphan", "server")
	b.eventually("the orphan is ours", func() bool {
		p, err := readProc(orphan)
		return err == nil && p.parent == os.Getpid()
	})
	if err := unix.Kill(orphan, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.gone(orphan)
	b.signal(s, unix.SIGTERM)
	b.finish(s)
}

func TestClosingLeavesServersAlive(t *testing.T) {
	b := newBench(t)
	s := b.start("hang", "server")
	b.await("server")
	b.close()
	if _, err := b.supervisor.Start(t.Context(), b.server("hang", "late"), newToken(), nil, Callbacks{}); err != ErrClosed {
		t.Errorf("Start after the end: %v, want ErrClosed", err)
	}
	if len(s.exited) != 0 || !b.supervisor.Alive(s.process) {
		t.Fatal("the server did not outlive its supervisor")
	}
	b.open(Options{StateID: b.state, OutputDir: filepath.Join(b.dir, "output")})
	again, w := watch()
	if _, err := b.supervisor.Find(s.process, s.token, w); err != nil {
		t.Fatal(err)
	}
	b.signal(s, unix.SIGTERM)
	if exit := b.finish(again); exit.Signal != unix.SIGTERM {
		t.Errorf("exit = %+v", exit)
	}
}

func TestWatchAnApplication(t *testing.T) {
	b := newBench(t)
	s := b.start("start", "server", "hang", "app")
	app, err := b.supervisor.Identify(b.await("app", "server"))
	if err != nil {
		t.Fatal(err)
	}
	exited := make(chan Exit, 1)
	stopped, err := b.supervisor.OnExit(app, func(Exit) { t.Error("exited was called after stop") })
	if err != nil {
		t.Fatal(err)
	}
	stopped()
	stopped()
	stop, err := b.supervisor.OnExit(app, func(e Exit) { exited <- e })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := b.supervisor.SignalProcess(app, unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	receive(t, exited, "the application's exit")
	if !b.supervisor.Alive(s.process) {
		t.Error("the signal went to another process too")
	}
	b.signal(s, unix.SIGTERM)
	b.finish(s)
	if _, err := b.supervisor.OnExit(s.process, nil); err != ErrGone {
		t.Errorf("Watch of the dead: %v, want ErrGone", err)
	}
}
