//go:build linux

package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/bgtask/bgtask/task"
)

const manyApps = 200

// TestManyAppsAtOnce: 200 programs, each of a package of its own, register a task
// and run it, all at once; then they leave, and they leave no more behind in the
// broker than one does.
func TestManyAppsAtOnce(t *testing.T) {
	w := startWorld(t, "")
	w.program(w.path("packages/0/" + appName))
	files := w.appsAtOnce(1)
	threads := goroutines(t, w)
	w.start()
	w.appsAtOnce(manyApps)
	eventually(t, "the broker has closed what it opened for them", func() bool { return descriptors(t, w.broker.pid) <= files+2 })
	if left := zombies(w.broker.pid); len(left) > 0 {
		t.Errorf("zombies: %v", left)
	}
	if now := goroutines(t, w); now > threads+5 {
		t.Errorf("the broker had %d goroutines after one app, and %d after %d", threads, now, manyApps)
	}
	w.start()
}

// appsAtOnce opens n apps, has each run its task once, and ends them. It gives the
// number of files that the broker has open after that.
func (w *world) appsAtOnce(n int) (files int) {
	w.t.Helper()
	apps := make([]*process, n)
	for i := range apps {
		path := w.copy(w.path("packages/0/"+appName), w.path(fmt.Sprintf("packages/%d/%s", i, appName)))
		cmd := w.command(path, "implied", fmt.Sprint("task ", i), "go")
		cmd.Env = append(cmd.Env, "BGTASK_BIN=")
		w.output(cmd)
		apps[i] = begin(w.t, cmd)
	}
	w.t.Cleanup(func() {
		for _, p := range apps {
			p.kill(w.t)
		}
	})
	for _, p := range apps {
		w.awaitAttached(p.pid)
	}
	c := w.client(true)
	e := w.watchFrom(c, "")
	names, err := c.Raise(w.context(), "go", []byte("work 5ms"))
	if err != nil || len(names) != n {
		w.t.Fatalf("%d tasks took the event: %v", len(names), err)
	}
	for _, name := range names {
		w.completedInApp(e, name)
	}
	w.checkOverlap()
	for _, p := range apps {
		p.signal(w.t, syscall.SIGTERM)
	}
	for _, p := range apps {
		if end := p.wait(w.t); end != "" {
			w.t.Errorf("an app ended with %s", end)
		}
	}
	e.stop()
	c.Close()
	return descriptors(w.t, w.broker.pid)
}

// completedInApp demands that a task, PACKAGE/NAME, was run by the open app.
func (w *world) completedInApp(e *events, name string) {
	w.t.Helper()
	run := e.await(name+" has run", func(ev task.Event) bool {
		return ev.Kind == task.EventEnded && ev.Package+"/"+ev.Name == name
	}).Run
	if run.Outcome != task.Completed || !run.Launch.IsZero() {
		w.t.Errorf("%s ended %v, launched %v: %s", name, run.Outcome, !run.Launch.IsZero(), run.Text)
	}
}

var goroutine = regexp.MustCompile(`(?m)^goroutine \d+ .*\[`)

// goroutines counts those of the broker, and ends it.
func goroutines(t *testing.T, w *world) int {
	t.Helper()
	before := len(w.brokerLog())
	w.broker.signal(t, syscall.SIGQUIT)
	w.broker.wait(t)
	dump := w.brokerLog()[before:]
	n := 0
	for _, stack := range strings.Split(string(dump), "\n\n") {
		if goroutine.MatchString(stack) && strings.Contains(stack, "bgtask/bgtask/") {
			n++
		}
	}
	return n
}
