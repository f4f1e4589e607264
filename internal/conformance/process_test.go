package conformance

import (
	"testing"

	"github.com/bgtask/bgtask/internal/conformance/classes"
	"github.com/bgtask/bgtask/task"
)

// TestServerCrash kills the run's process. The next firing must get another one.
func TestServerCrash(t *testing.T) {
	w := newWorld(t)
	id := w.register("gate")
	w.mustFire(id)
	pid := w.wrote("entered", "gate", 1).PID
	w.kill(pid)
	want := task.Crashed
	if differs("server's end") {
		want = task.Lost
	}
	if r := w.ended(id, 1); r.Outcome != want {
		t.Errorf("the run ended as %+v", r)
	}
	w.open("gate")
	if differs("again") {
		w.mustFire(id)
	}
	if again := w.wrote("left", "gate", 1); again.PID == pid {
		t.Errorf("it ran in %d, which was killed", pid)
	}
	if r := w.ended(id, 2); r.Outcome != task.Completed {
		t.Errorf("the second run ended as %+v", r)
	}
}

func TestBrokerCrash(t *testing.T) {
	w := newWorld(t)
	id := w.register("hang")
	w.mustFire(id)
	first := w.wrote("entered", "hang", 1)
	w.crash()
	if differs("broker's end") {
		w.wrote("left", "hang", 1)
		w.restart()
	} else {
		w.restart()
		w.mustCancel(id, task.ReasonAbort)
		if line := w.wrote("canceled", "hang", 1); line.Instance != first.Instance {
			t.Errorf("%v was canceled, not %v", line.Instance, first.Instance)
		}
	}
	if r := w.ended(id, 1); r.Outcome != task.Canceled {
		t.Errorf("it ended as %+v", r)
	}
}

func TestParallelRuns(t *testing.T) {
	w := newWorld(t)
	names := []string{"gate-a", "gate-b", "gate-c", "gate-d"}
	var ids []task.GUID
	for _, name := range names {
		ids = append(ids, w.register(name))
	}
	w.mustFire(ids[0])
	pid := w.wrote("entered", names[0], 1).PID
	for i, id := range ids[1:] {
		w.mustFire(id)
		if line := w.wrote("entered", names[i+1], 1); line.PID != pid {
			t.Errorf("%s runs in %d, the first one in %d", names[i+1], line.PID, pid)
		}
	}
	w.open("gate")
	for i, id := range ids {
		if r := w.ended(id, 1); r.Outcome != task.Completed {
			t.Errorf("%s ended as %+v", names[i], r)
		}
	}
}

// TestOneRunAtATime checks that all firings during a run cause exactly one more run.
func TestOneRunAtATime(t *testing.T) {
	w := newWorld(t)
	id := w.register("-every", "1h", "gate")
	w.mustFire(id)
	w.wrote("entered", "gate", 1)
	for range 5 {
		w.mustFire(id)
	}
	w.open("gate")
	w.wrote("left", "gate", 2)
	w.ended(id, 2)
	w.register("a") // a further run would have started by now
	if n := len(w.journal()); n != 4 {
		t.Errorf("there are %d lines in the journal: %+v", n, w.journal())
	}
}

// TestIdleExit checks that a launched server exits after its linger time without a run,
// and that the next firing launches another.
func TestIdleExit(t *testing.T) {
	w := newWorld(t)
	id := w.register("task")
	w.mustFire(id)
	first := w.wrote("entered", "task", 1).PID
	w.ended(id, 1)
	w.eventually("the server has exited", func() bool { return !w.alive(first) })
	w.mustFire(id)
	w.wrote("left", "task", 2)
	if r := w.ended(id, 2); r.Outcome != task.Completed {
		t.Errorf("the second run ended as %+v", r)
	}
}

// TestSingleUse checks that each run of the class has its own process.
func TestSingleUse(t *testing.T) {
	w := newWorld(t)
	a, b := w.register("-single", "gate-a"), w.register("-single", "gate-b")
	w.mustFire(a)
	w.mustFire(b)
	first, second := w.wrote("entered", "gate-a", 1).PID, w.wrote("entered", "gate-b", 1).PID
	if first == second {
		t.Errorf("both run in %d", first)
	}
	w.open("gate")
	for _, id := range []task.GUID{a, b} {
		if r := w.ended(id, 1); r.Outcome != task.Completed {
			t.Errorf("it ended as %+v", r)
		}
	}
}

// TestInTheOpenApplication checks that no server is launched while the application is
// open.
func TestInTheOpenApplication(t *testing.T) {
	w := newWorld(t)
	id := w.register("gate")
	app := w.start("open")
	w.eventually("the application serves", func() bool { return w.serves(classes.Many, app.cmd.Process.Pid) })
	w.mustFire(id)
	if line := w.wrote("entered", "gate", 1); line.PID != app.cmd.Process.Pid {
		t.Errorf("it runs in %d, but the application is %d", line.PID, app.cmd.Process.Pid)
	}
	w.open("gate")
	if r := w.ended(id, 1); r.Outcome != task.Completed || r.Host != "the application" {
		t.Errorf("it ended as %+v", r)
	}
}
