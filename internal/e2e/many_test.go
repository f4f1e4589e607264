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

// TestManyAppsAtOnce starts 200 programs concurrently, each in its own package. Each
// registers a task and runs it. When they have left, the broker holds no more resources
// than after one program.
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

// appsAtOnce opens n applications, lets each run its task once, and ends them. It
// returns the number of files that the broker has open after that.
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

// completedInApp checks that the open application ran a task, given as PACKAGE/NAME.
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

// goroutines returns the number of the broker's goroutines, and ends the broker.
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
