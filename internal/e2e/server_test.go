//go:build linux

package e2e

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// event returns the specification of a task that an event fires.
func event(name, id string, class task.GUID) task.Spec {
	return task.Spec{Name: name, EntryPoint: class, Trigger: task.CustomSystemEventTrigger{ID: id, Recurrence: task.Always}}
}

// quick shortens the back-off, so no test waits for it.
func quick(s task.Spec) task.Spec {
	s.Retry = task.RetryPolicy{First: task.MinBackoff, Limit: task.MinBackoff}
	return s
}

// many are the servers of a package that serves all classes and exits soon.
var many = server{"serve -linger 200ms", []task.GUID{manyClass, singleClass}}

func TestARunInALaunchedServer(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Hello", many)
	id := w.register(p.Family, event("hello", "hello", manyClass))
	e := w.watch()
	n := w.fire(id, "")
	run := e.runEnded(id, n, 1)
	if run.Outcome != task.Completed || run.Launch.IsZero() || run.PID == 0 {
		t.Errorf("the run was %+v", run)
	}
	if end := e.end(id, n); end.End != task.EndDone {
		t.Errorf("the occurrence ended %v", end.End)
	}
	eventually(t, "the server exits by itself", func() bool { return gone(run.PID) })
	w.checkOverlap()
	if stays := w.stays(); len(stays) != 1 || stays[0].pid != run.PID || stays[0].number != n {
		t.Errorf("the journal has %d runs", len(stays))
	}
}

func TestAServerThatExitsBeforeItsClassIsThere(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Bad", server{"exit 3 libfrob.so.5 is missing", []task.GUID{manyClass}})
	id := w.register(p.Family, event("bad", "go", manyClass))
	e := w.watch()
	began := time.Now()
	n := w.fire(id, "")
	for attempt := 1; attempt <= task.FaultsToSuspend; attempt++ {
		run := e.runEnded(id, n, attempt)
		if run.Outcome != task.ActivationFailed || run.Exit != "exit 3" || !strings.Contains(run.Stderr, "libfrob.so.5 is missing") {
			t.Fatalf("attempt %d: %v, exit %q, stderr %q", attempt, run.Outcome, run.Exit, run.Stderr)
		}
		if attempt < task.FaultsToSuspend {
			if err := w.user.Resume(w.context(), id); err != nil { // end the back-off
				t.Fatal(err)
			}
		}
	}
	if took := time.Since(began); took > task.StartTimeout {
		t.Errorf("the failure took %v, as long as the time-out", took)
	}
	e.phase(0, id, task.Suspended)
	if took, err := w.user.Raise(w.context(), "go", nil); err != nil || len(took) != 1 {
		t.Errorf("a suspended task must accept firings; this one: %q, %v", took, err)
	}
	if why := w.do("why", "bad"); !strings.Contains(why, "libfrob.so.5 is missing") || !strings.Contains(why, "suspended") {
		t.Errorf("why does not give the reason:\n%s", why)
	}
}

func TestAServerThatHangsBeforeItsClassIsThere(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "start_timeout = \"1s\"\n")
	p := w.install("Hang", server{"hang", []task.GUID{manyClass}})
	id := w.register(p.Family, event("hang", "go", manyClass))
	e := w.watch()
	n := w.fire(id, "")
	run := e.runEnded(id, n, 1)
	if run.Outcome != task.ActivationFailed || !strings.Contains(run.Text, "regist") {
		t.Errorf("the run ended %v: %q", run.Outcome, run.Text)
	}
	w.awaitNoApps()
	if err := w.user.Resume(w.context(), id); err != nil {
		t.Fatal(err)
	}
	if run := e.runEnded(id, n, 2); run.Outcome != task.ActivationFailed {
		t.Errorf("the second run ended %v", run.Outcome)
	}
	w.awaitNoApps()
}

// apps returns the processes of the world other than the broker.
func (w *world) apps() []seen {
	var all []seen
	for _, s := range processes(w.dir) {
		if strings.HasPrefix(s.exe, w.path("packages")+"/") {
			all = append(all, s)
		}
	}
	return all
}

func (w *world) awaitNoApps() {
	w.t.Helper()
	eventually(w.t, "all servers and what they started are gone", func() bool { return len(w.apps()) == 0 })
}

func TestAServerThatIgnoresItsCancel(t *testing.T) {
	const grace = time.Second
	w := startWorld(t, "cancel_grace = \"1s\"\n")
	p := w.install("Stuck", many)
	stuck, innocent := w.register(p.Family, event("stuck", "a", manyClass)), w.register(p.Family, event("innocent", "b", manyClass))
	e := w.watch()
	a, b := w.fire(stuck, "stuck"), w.fire(innocent, "hang")
	first := e.running(stuck, a)
	if other := e.running(innocent, b); other.PID != first.PID {
		t.Fatalf("one class server, two processes: pid %d and %d", first.PID, other.PID)
	}
	began := time.Now()
	if err := w.user.Cancel(w.context(), stuck, task.ReasonAbort, false); err != nil {
		t.Fatal(err)
	}
	run := e.runEnded(stuck, a, 1)
	took := time.Since(began)
	if run.Outcome != task.Canceled || run.Reason != task.ReasonAbort || !run.Forced {
		t.Errorf("the run ended %v, %v, forced %v", run.Outcome, run.Reason, run.Forced)
	}
	// The time allows for the grace period, the grace period of the other runs, five
	// seconds to SIGKILL, and one second for everything else, or a few on a busy
	// machine.
	if least, most := grace+task.KillDelay, 2*grace+task.KillDelay+5*time.Second; took < least || took > most {
		t.Errorf("it took %v; between %v and %v are promised", took, least, most)
	}
	if !gone(first.PID) {
		t.Errorf("an outcome was given while the code still runs, in pid %d", first.PID)
	}
	if end := e.end(stuck, a); end.End != task.EndCanceled {
		t.Errorf("the occurrence ended %v", end.End)
	}
	if run := e.runEnded(innocent, b, 1); run.Outcome != task.Canceled || run.Reason != task.ReasonTerminating {
		t.Errorf("the innocent run ended %v, %v", run.Outcome, run.Reason)
	}
	again := *e.await("the innocent one runs again", func(ev task.Event) bool {
		return ev.Kind == task.EventRunning && ev.TaskID == innocent && ev.Run.Attempt == 2
	}).Run
	if again.PID == first.PID || again.Occurrence.Number != b {
		t.Errorf("again: pid %d, occurrence %d", again.PID, again.Occurrence.Number)
	}
	w.checkOverlap()
}

func TestNothingOfALaunchIsLeft(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Family", many)
	id := w.register(p.Family, event("family", "go", manyClass))
	e := w.watch()
	n := w.fire(id, "children group session silent bare daemon deaf")
	if run := e.runEnded(id, n, 1); run.Outcome != task.Completed {
		t.Errorf("the run ended %v: %s", run.Outcome, run.Text)
	}
	if children := w.lines("child"); len(children) != 6 {
		t.Fatalf("%d children are in the journal", len(children))
	}
	w.awaitNoApps() // the server exits properly, but what it started does not
}

func TestCrashes(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Crash", many)
	for _, test := range []struct{ script, exit, words string }{
		{"panic oops", "", "oops"},
		{"die oops", "exit 2", "panic: oops"},
		{"segv", "exit 2", "goroutine"},
		{"kill", "signal killed", ""},
		{"exit 7", "exit 7", "these are the last words"},
	} {
		t.Run(strings.Fields(test.script)[0], func(t *testing.T) {
			id := w.register(p.Family, quick(event(test.script, "go", manyClass)))
			e := w.watch()
			e.t = t
			n := w.fire(id, test.script)
			run := e.runEnded(id, n, 1)
			if run.Outcome != task.Crashed || run.Exit != test.exit || !strings.Contains(run.Text+run.Stderr, test.words) {
				t.Errorf("it ended %v, exit %q, text %q, stderr %q", run.Outcome, run.Exit, run.Text, run.Stderr)
			}
			if second := e.runEnded(id, n, 2); second.Outcome != task.Crashed || second.ID == run.ID {
				t.Errorf("the second attempt ended %v", second.Outcome)
			}
			if err := w.user.Unregister(w.context(), id, true); err != nil {
				t.Fatal(err)
			}
		})
	}
	w.checkOverlap()
}

func TestACrashOfSeveralRunsCostsNoBackoff(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Several", many)
	first, second := w.register(p.Family, event("first", "a", manyClass)), w.register(p.Family, event("second", "b", manyClass))
	e := w.watch()
	w.gate("gate")
	a, b := w.fire(first, "gate gate"), w.fire(second, "gate gate")
	pid := e.running(first, a).PID
	if other := e.running(second, b).PID; other != pid {
		t.Fatalf("pids %d and %d", pid, other)
	}
	eventually(t, "both runs have begun", func() bool { return len(w.stays()) == 2 })
	syscall.Kill(pid, syscall.SIGKILL)
	for _, run := range []task.Run{e.runEnded(first, a, 1), e.runEnded(second, b, 1)} {
		if run.Outcome != task.Crashed {
			t.Errorf("%s ended %v", run.Name, run.Outcome)
		}
	}
	// The cause is unclear, so both run again without a back-off, one after the other.
	w.opens("gate")
	e.await("one of the two is done", func(ev task.Event) bool { return ev.Kind == task.EventOccurrence })
	w.opens("gate")
	e.end(first, a)
	e.end(second, b)
	for _, id := range []task.GUID{first, second} {
		if info := w.info(id); info.State.Phase != task.Waiting || info.Counts.ByOutcome[task.Completed] != 1 {
			t.Errorf("%s is %v", info.Spec.Name, info.State)
		}
	}
	w.checkOverlap()
	stays := w.stays()
	if len(stays) != 4 {
		t.Fatalf("%d runs are in the journal", len(stays))
	}
	if one, two := stays[2], stays[3]; two.from < one.to {
		t.Errorf("the two did not run alone: one began %v before the other had ended", time.Duration(one.to-two.from))
	}
}

func TestAStoppedServerIsEnded(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "cancel_grace = \"500ms\"\n")
	p := w.install("Stopped", many)
	id := w.register(p.Family, event("stopped", "go", manyClass))
	e := w.watch()
	n := w.fire(id, "hang")
	pid := e.running(id, n).PID
	syscall.Kill(pid, syscall.SIGSTOP)
	if err := w.user.Cancel(w.context(), id, task.ReasonAbort, false); err != nil {
		t.Fatal(err)
	}
	if run := e.runEnded(id, n, 1); run.Outcome != task.Canceled || run.Reason != task.ReasonAbort {
		t.Errorf("it ended %v, %v", run.Outcome, run.Reason)
	}
	w.awaitNoApps()
}

func TestAStoppedAppIsNeverKilled(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "cancel_grace = \"500ms\"\n")
	p := w.install("Stopped", many)
	id := w.register(p.Family, event("stopped", "go", manyClass))
	e := w.watch()
	app := w.open(p)
	n := w.fire(id, "hang")
	if run := e.running(id, n); run.PID != app.pid || !run.Launch.IsZero() {
		t.Fatalf("it runs in pid %d, but the open app is %d", run.PID, app.pid)
	}
	app.signal(t, syscall.SIGSTOP)
	if err := w.user.Cancel(w.context(), id, task.ReasonAbort, false); err != nil {
		t.Fatal(err)
	}
	e.phase(0, id, task.Unresponsive)
	if _, err := w.user.Fire(w.context(), id, client.Firing{ByHand: true}); err != nil {
		t.Fatal(err)
	}
	why := w.do("why", "stopped")
	for _, words := range []string{"does not respond", "--kill"} {
		if !strings.Contains(why, words) {
			t.Errorf("why does not say %q:\n%s", words, why)
		}
	}
	if !app.alive() {
		t.Fatal("an application that the user started was killed")
	}
	app.signal(t, syscall.SIGCONT)
	if run := e.runEnded(id, n, 1); run.Outcome != task.Canceled || run.Reason != task.ReasonAbort || run.Forced {
		t.Errorf("the run ended %v, %v, forced %v", run.Outcome, run.Reason, run.Forced)
	}
	if run := e.runEnded(id, n+1, 1); run.Outcome != task.Completed || run.PID != app.pid {
		t.Errorf("the next run: %v in pid %d", run.Outcome, run.PID)
	}
	if _, err := w.user.Fire(w.context(), id, client.Firing{ByHand: true, Arguments: []byte("stuck")}); err != nil {
		t.Fatal(err)
	}
	e.running(id, n+2)
	if _, stderr, code := w.bgtask("cancel", "--kill", "stopped"); code != 0 {
		t.Errorf("cancel --kill: exit %d: %s", code, stderr)
	}
	if end := app.wait(t); end == "" {
		t.Error("an app that ignores everything exited by itself")
	}
	if run := e.runEnded(id, n+2, 1); run.Outcome != task.Canceled || !run.Forced {
		t.Errorf("the killed run ended %v, forced %v", run.Outcome, run.Forced)
	}
	w.checkOverlap()
}
