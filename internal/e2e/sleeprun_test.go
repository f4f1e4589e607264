//go:build linux

package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/task"
)

// A run's limit, and its grace after a cancellation, count only while the machine is
// awake. A sleep longer than both takes nothing away from them.
func TestASleepDuringRuns(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	const limit, grace = 10 * time.Second, 8 * time.Second
	w := newWorld(t, "cancel_grace = \"8s\"\n")
	c := w.ownClocks()
	w.start()
	limited := w.add("limited", hang, "--on", "event:go", "--limit", "10s")
	stubborn := w.add("stubborn", `trap "" TERM; echo ready >"$HOME/ready"; while :; do sleep 1; done`, "--on", "event:go")
	w.gate("ready")
	e := w.watch()
	began := time.Now()
	w.do("raise", "go")
	e.runs(0, limited)
	e.runs(0, stubborn)
	if _, err := os.ReadFile(w.path("ready")); err != nil { // the trap is set
		t.Fatal(err)
	}
	canceled := time.Now()
	w.do("cancel", "stubborn")
	e.phase(0, stubborn, task.Canceling)

	c.sleep(3 * time.Hour)
	e.wakes(0)
	why, asked := w.do("why", "limited"), time.Since(began)
	if run := e.ends(0, stubborn); run.Outcome != task.Canceled || time.Since(canceled) < grace {
		t.Errorf("the run that ignores its cancellation ended %v %v after it", run.Outcome, time.Since(canceled))
	}
	if run := e.ends(0, limited); run.Outcome != task.TimedOut || time.Since(began) < limit {
		t.Errorf("the run over its limit ended %v after %v", run.Outcome, time.Since(began))
	}
	if asked < limit && !strings.Contains(why, "a run limit of 10 s, in which sleep does not count") {
		t.Errorf("why says\n%s", why)
	}
	if history := w.do("history"); strings.Contains(history, " h ") { // the durations of the runs
		t.Errorf("history counts the sleep:\n%s", history)
	}
}

// The time that a class server has to start counts in the same way.
func TestASleepDuringALaunch(t *testing.T) {
	t.Parallel()
	const start = 5 * time.Second
	w := newWorld(t, "start_timeout = \"5s\"\n")
	c := w.ownClocks()
	w.start()
	id := w.register(w.install("Slow", server{"hang", []task.GUID{manyClass}}).Family, event("slow", "go", manyClass))
	e := w.watch()
	launched := time.Now()
	w.do("raise", "go")
	e.phase(0, id, task.Starting)
	c.sleep(3 * time.Hour)
	e.wakes(0)
	if run := e.ends(0, id); run.Outcome != task.ActivationFailed || time.Since(launched) < start {
		t.Errorf("the server that does not register its class ended %v after %v: %s", run.Outcome, time.Since(launched), run.Text)
	}
}

// Holds, back-offs and settling continue during a sleep, as the user's time does.
func TestASleepWhileTasksWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	c := w.ownClocks()
	w.start()
	dropped := w.add("dropped", "true", "--on", "event:go", "--when", "user-away", "--hold", "2h")
	waived := w.add("waived", "true", "--on", "event:go", "--when", "user-away", "--hold", "2h:run")
	fresh := w.add("fresh", "true", "--on", "event:go", "--when", "user-away", "--hold", "3h")
	again := w.retrying("again", "[ $BGTASK_ATTEMPT = 2 ] || exit 75", time.Hour)
	settling := w.add("settling", `[ $BGTASK_ATTEMPT = 2 ] || `+hang, "--on", "event:go", "--when", "on-ac", "--cancel-on-loss")
	w.do("facts", "override", "on-ac=yes")
	w.do("facts", "override", "user=present")
	e := w.watch()
	w.do("raise", "go")
	e.runEnded(again, 1, 1)
	e.phase(0, again, task.BackingOff)
	e.runs(0, settling)
	w.do("facts", "override", "on-ac=no")
	e.runEnded(settling, 1, 1)
	w.do("facts", "override", "on-ac=yes")
	e.settles(settling)

	c.sleep(30 * time.Minute)
	e.wakes(0)
	if phase := w.info(again).State.Phase; phase != task.BackingOff {
		t.Errorf("after a sleep of half of its hour it is %v", phase)
	}
	if run := e.runEnded(settling, 1, 2); run.Outcome != task.Completed {
		t.Errorf("the task that had to settle ended %v: %s", run.Outcome, run.Text)
	}
	i := e.mark()
	c.sleep(90*time.Minute + time.Second)
	e.wakes(i)
	if end := e.end(dropped, 1); end.End != task.EndExpired {
		t.Errorf("the task that may be held for two hours ended %v", end.End)
	}
	for _, id := range []task.GUID{waived, again} {
		if end := e.end(id, 1); end.End != task.EndDone {
			t.Errorf("%s ended %v", end.Name, end.End)
		}
	}
	if phase := w.info(fresh).State.Phase; phase != task.Held {
		t.Errorf("the task that may be held for three hours is %v", phase)
	}
	if history := w.do("history", "dropped"); !strings.Contains(history, "expired") {
		t.Errorf("history says\n%s", history)
	}
}

// retrying adds a command whose first back-off is long.
func (w *world) retrying(name, script string, first time.Duration) task.GUID {
	w.t.Helper()
	spec := task.Spec{Name: name, EntryPoint: task.CommandClass, Trigger: task.CustomSystemEventTrigger{ID: "go", Recurrence: task.Always},
		Command: &task.Command{Path: "/bin/sh", Args: []string{"-c", script}, Dir: w.dir},
		Retry:   task.RetryPolicy{First: first, Limit: first}}
	done, err := w.user.Register(w.context(), spec, client.Registering{Package: task.CommandPackage})
	if err != nil {
		w.t.Fatal(err)
	}
	return done.TaskID
}

// settles waits until a task waits for its conditions to hold for a while.
func (e *events) settles(id task.GUID) {
	e.t.Helper()
	e.await("settling", func(ev task.Event) bool {
		return ev.TaskID == id && ev.State != nil && len(ev.State.Reasons) == 1 && ev.State.Reasons[0].Kind == task.WaitSettle
	})
}
