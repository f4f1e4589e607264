//go:build linux

package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

// TestWhatIsRemembered checks everything that a crashed broker must have stored.
func TestWhatIsRemembered(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	good, bad := w.install("Good", many), w.install("Bad", server{"exit 1", []task.GUID{manyClass}})
	w.override("internet", "no")
	held := event("held", "held", manyClass)
	held.Conditions = []task.Condition{task.InternetAvailable}
	heldID := w.register(good.Family, held)
	retry := event("retry", "retry", manyClass)
	retry.Retry.First = task.BackoffMost
	retryID := w.register(good.Family, retry)
	suspendedID := w.register(bad.Family, quick(event("suspended", "suspended", manyClass)))
	timer := task.Spec{Name: "timer", EntryPoint: manyClass, Trigger: task.TimeTrigger{Freshness: 1000 * time.Second}}
	timerID := w.register(good.Family, timer)

	e := w.watch()
	payload := []byte("work 1ms")
	for range 3 {
		if _, err := w.user.Raise(w.context(), "held", payload); err != nil {
			t.Fatal(err)
		}
	}
	w.fire(retryID, "retry later")
	e.phase(0, retryID, task.BackingOff)
	s := w.fire(suspendedID, "")
	e.phase(0, suspendedID, task.Suspended)
	ids := []task.GUID{heldID, retryID, suspendedID, timerID}
	before := w.infos(ids)
	w.crash()
	w.start()
	after := w.infos(ids)
	for i := range ids {
		b, a := before[i], after[i]
		if d := a.State.Next.Sub(b.State.Next).Abs(); d > time.Second || a.Counts != b.Counts && a.TaskID != heldID || a.State.Text != b.State.Text {
			t.Errorf("%s: before %v, next %v\nafter %v, next %v", b.Spec.Name, b.State, b.State.Next, a.State, a.State.Next)
		}
		if a.State.Phase != b.State.Phase && a.TaskID != heldID { // the held task may have run, because an override ends with its broker
			t.Errorf("%s: before %v, after %v", b.Spec.Name, b.State, a.State)
		}
	}
	if err := w.user.ClearOverride(w.context(), ""); err != nil {
		t.Fatal(err)
	}
	w.override("internet", "yes")
	if end := e.end(heldID, 3); end.Occurrence.Number != 3 || end.Occurrence.Count != 3 || end.End != task.EndDone {
		t.Errorf("the held firings ended %v: %+v", end.End, end.Occurrence)
	}
	if stays := w.stays(); !slices.ContainsFunc(stays, func(s *stay) bool { return s.task == heldID && s.script == string(payload) }) {
		t.Error("the payload of the held firings did not reach the run")
	}
	w.resume(retryID)
	if run := e.runEnded(retryID, 1, 2); run.Outcome != task.RetryAsked {
		t.Errorf("the second attempt ended %v", run.Outcome)
	}
	w.resume(suspendedID)
	if run := e.runEnded(suspendedID, s, task.FaultsToSuspend+1); run.Outcome != task.ActivationFailed {
		t.Errorf("after the suspension: %v", run.Outcome)
	}
}

func (w *world) infos(ids []task.GUID) (infos []task.Info) {
	for _, id := range ids {
		infos = append(infos, w.info(id))
	}
	return infos
}

func (w *world) override(name string, value task.Value) {
	w.t.Helper()
	if err := w.user.OverrideFact(w.context(), name, value, 0); err != nil {
		w.t.Fatal(err)
	}
}

func TestACheckpointOutlivesEverything(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Save", many)
	spec := event("save", "go", manyClass)
	spec.Retry.First = task.BackoffMost
	id := w.register(p.Family, spec)
	e := w.watch()
	n := w.fire(id, "save 4711")
	if run := e.runEnded(id, n, 1); run.Outcome != task.RetryAsked {
		t.Fatalf("the first attempt ended %v: %s", run.Outcome, run.Text)
	}
	w.crash()
	w.start()
	w.resume(id)
	if run := e.runEnded(id, n, 2); run.Outcome != task.Completed {
		t.Errorf("the second attempt ended %v: %s", run.Outcome, run.Text)
	}
	if saved := w.lines("checkpoint"); len(saved) != 1 || saved[0][0] != "4711" {
		t.Errorf("the second attempt was given %v", saved)
	}
}
