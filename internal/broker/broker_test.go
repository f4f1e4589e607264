package broker_test

import (
	"strings"
	"testing"

	"github.com/bgtask/bgtask/task"
)

func TestATaskIsLaunchedRunAndRecorded(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "work", manyClass, task.InternetAvailable)
	since := r.now()
	number := r.fire(id, "")
	run := r.awaitEnd(since, id)
	if run.Outcome != task.Completed || run.Occurrence.Number != number || run.Launch.IsZero() || run.Attempt != 1 {
		t.Errorf("the run: %+v", run)
	}
	since = r.now()
	r.fire(id, "fail no luck")
	if run := r.awaitEnd(since, id); run.Outcome != task.Failed || run.Text != "no luck" {
		t.Errorf("the run: %+v", run)
	}
}

func TestACrashIsToldWithItsExitAndLastWords(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "work", singleClass)
	since := r.now()
	r.fire(id, "exit")
	run := r.awaitEnd(since, id)
	if run.Outcome != task.Crashed || run.Exit != "exit 3" || !strings.Contains(run.Stderr, "last words") {
		t.Errorf("the run: %+v", run)
	}
}

func TestARunLivesOnWhenItsBrokerIsReplaced(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "work", manyClass)
	since := r.now()
	r.fire(id, "hang")
	before := r.awaitRunning(since, id)
	r.handOver()
	r.start()
	if err := r.user.Cancel(t.Context(), id, task.ReasonAbort, false); err != nil {
		t.Fatal(err)
	}
	after := r.awaitEnd(since, id)
	if after.ID != before.ID || after.PID != before.PID || after.Outcome != task.Canceled || after.Reason != task.ReasonAbort {
		t.Errorf("the run was %+v, and ended as %+v", before, after)
	}
}
