//go:build linux

package e2e

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/bgtask/bgtask/task"
)

// daemons returns the brokers of the world.
func (w *world) daemons() []seen {
	var all []seen
	for _, s := range processes(w.dir) {
		if strings.Contains(s.args, " daemon --socket ") {
			all = append(all, s)
		}
	}
	return all
}

func TestTheCommandLineStartsABroker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.do("list")
	eventually(t, "one broker is left", func() bool { return len(w.daemons()) == 1 })
	if doctor := w.do("doctor"); !strings.Contains(doctor, "started on demand") {
		t.Errorf("doctor says\n%s", doctor)
	}
	syscall.Kill(w.daemons()[0].pid, syscall.SIGKILL)
	w.do("list")
	eventually(t, "one broker is left", func() bool { return len(w.daemons()) == 1 })
}

// TestManyWantABrokerAtOnce starts many clients concurrently. None finds a broker; one
// of them starts it, and all use it.
func TestManyWantABrokerAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	app := w.program(w.path("packages/App/" + appName))
	var all sync.WaitGroup
	for i := range 16 {
		cmd := w.command(w.binary, "list")
		if i%2 == 1 {
			cmd = w.command(app, "once")
		}
		all.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %v: %s", cmd.Args, err, out)
			}
		})
	}
	all.Wait()
	eventually(t, "one broker is left", func() bool { return len(w.daemons()) == 1 })
	log, err := os.ReadFile(w.path("state/bgtask/broker.log"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(log, []byte(`msg="the broker starts"`)); n != 1 {
		t.Errorf("%d brokers have started:\n%s", n, log)
	}
}

func TestAnOpenAppStartsABroker(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	app := w.program(w.path("packages/Implied/" + appName))
	p := begin(t, w.command(app, "implied", "mine", "go"))
	t.Cleanup(func() { p.kill(t) })
	w.awaitAttached(p.pid)
	first := w.daemons()[0].pid
	syscall.Kill(first, syscall.SIGKILL)
	eventually(t, "the app has started another one", func() bool { d := w.daemons(); return len(d) == 1 && d[0].pid != first && w.listens() })
	w.awaitAttachedAgain(p.pid)
	w.do("raise", "go")
	eventually(t, "its task runs in it", func() bool { s := w.stays(); return len(s) == 1 && s[0].pid == p.pid && s[0].to != 0 })
}

// TestABrokerThatACommandStarted checks that such a broker does not belong to the
// command's launch, and outlives it.
func TestABrokerThatACommandStarted(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	w.gate("gate")
	w.do("add", "starts", "--", "/bin/sh", "-c", `cat "$HOME/gate" && "$0" list`, w.binary)
	id := w.list()[0].TaskID
	e := w.watch()
	n := w.fire(id, "")
	e.running(id, n)
	w.crash()
	w.opens("gate")
	eventually(t, "the command has started a broker", func() bool { return len(w.daemons()) == 1 && w.listens() })
	pid := w.daemons()[0].pid
	if run := e.runEnded(id, n, 1); run.Outcome != task.Completed {
		t.Errorf("the command ended %v: %s %s", run.Outcome, run.Text, run.Stderr)
	}
	eventually(t, "its server has left", func() bool { return !w.serving("serve-commands") })
	n = w.fire(id, "")
	e.running(id, n)
	w.opens("gate")
	e.end(id, n)
	if gone(pid) {
		t.Error("the broker went with the command that had started it")
	}
}

// serving reports whether a process with these arguments is alive.
func (w *world) serving(words string) bool {
	for _, s := range processes(w.dir) {
		if strings.Contains(s.args, words) {
			return true
		}
	}
	return false
}
