package conformance

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/internal/conformance/classes"
	"github.com/bgtask/bgtask/task"
)

func TestRegister(t *testing.T) {
	w := newWorld(t)
	if all := w.app("list"); all != "" {
		t.Fatalf("at first there is %s", all)
	}
	a, b := w.register("a"), w.register("-every", "1h", "b")
	grouped := w.register("-group", "g", "c")
	if all := strings.Fields(w.app("list")); len(all) != 4 || !slices.Contains(all, a.String()) || !slices.Contains(all, b.String()) {
		t.Errorf("a is %v, b is %v, and AllTasks gives %v", a, b, all)
	}
	if all := w.app("list", "g"); all != grouped.String()+" c" {
		t.Errorf("c is %v, and its group has %s", grouped, all)
	}
	w.app("unregister", "a")
	if all := w.app("list"); all != b.String()+" b" {
		t.Errorf("without a there is %s", all)
	}
	if _, code := w.try("unregister", "a"); code != "not_found" {
		t.Errorf("unregistering it again is %q", code)
	}
}

func TestRegisterRefuses(t *testing.T) {
	w := newWorld(t)
	often, want := "59s", "invalid"
	if differs("shortest") {
		often, want = "14m", "not_supported"
	}
	if _, code := w.try("register", "-every", often, "often"); code != want {
		t.Errorf("a timer of %s is %q", often, code)
	}
	if _, code := w.try("register", ""); code != "invalid" {
		t.Errorf("a task without a name is %q", code)
	}
	if all := w.app("list"); all != "" {
		t.Errorf("a refused task is there: %s", all)
	}
}

// TestRegistrationsOutliveTheBroker checks this for each way in which a broker may end.
func TestRegistrationsOutliveTheBroker(t *testing.T) {
	w := newWorld(t)
	id := w.register("task")
	w.crash()
	w.restart()
	if all := w.app("list"); all != id.String()+" task" {
		t.Errorf("%v was registered, but now there is %s", id, all)
	}
	w.mustFire(id)
	if r := w.ended(id, 1); r.Outcome != task.Completed {
		t.Errorf("it ended as %+v", r)
	}
}

func TestEnsure(t *testing.T) {
	w := newWorld(t)
	first := w.register("-ensure", "-every", "1h", "task")
	if again := w.register("-ensure", "-every", "1h", "task"); again != first {
		t.Errorf("the unchanged task was %v, and is now %v", first, again)
	}
	changed := w.register("-ensure", "-every", "2h", "task")
	if (changed != first) != differs("changed") {
		t.Errorf("the changed task was %v, and is now %v", first, changed)
	}
	if all := w.app("list"); all != changed.String()+" task" {
		t.Errorf("there is %s", all)
	}
}

func TestRun(t *testing.T) {
	w := newWorld(t)
	id := w.register("task")
	w.mustFire(id)
	if r := w.ended(id, 1); r.Outcome != task.Completed || r.Host != "launched" {
		t.Errorf("it ended as %+v", r)
	}
	line := w.wrote("entered", "task", 1)
	if !slices.Contains(line.Arguments, "serve") {
		t.Errorf("the server has the arguments %q", line.Arguments)
	}
	w.wrote("left", "task", 1)
}

// TestRequest requests a run, and checks that its arguments arrive.
func TestRequest(t *testing.T) {
	w := newWorld(t)
	id := w.register("gate")
	w.app("request", "gate", "some words")
	if line := w.wrote("entered", "gate", 1); line.Payload != "some words" {
		t.Errorf("the run got %q", line.Payload)
	}
	if _, code := w.try("request", "gate", ""); code != "currently_running" {
		t.Errorf("a request during the run returns %q", code)
	}
	w.open("gate")
	if r := w.ended(id, 1); r.Outcome != task.Completed {
		t.Errorf("it ended as %+v", r)
	}
	if _, code := w.try("request", "unknown", ""); code != "not_found" {
		t.Errorf("a request for an unknown task returns %q", code)
	}
}

func TestProgress(t *testing.T) {
	w := newWorld(t)
	id := w.register("progress")
	watch := w.start("watch", "progress")
	if line := watch.line(); line != "watching" {
		t.Fatalf("the watcher prints %q", line)
	}
	w.mustFire(id)
	var last uint32
	opened := false
	for {
		var seen classes.Seen
		if err := json.Unmarshal([]byte(watch.line()), &seen); err != nil {
			t.Fatal(err)
		}
		if seen.Progress < last {
			t.Errorf("the progress was %d, and is now %d", last, seen.Progress)
		}
		last = seen.Progress
		if last == 100 && !opened {
			opened = true
			w.open("gate")
		}
		if seen.Outcome != "none" {
			break
		}
	}
	if r := w.ended(id, 1); r.Outcome != task.Completed || r.Progress != 100 {
		t.Errorf("it ended as %+v", r)
	}
}

func TestDeferral(t *testing.T) {
	for name, gates := range map[string][]string{"defer": {"first"}, "defers": {"second", "third", "first"}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.register(name)
			w.mustFire(id)
			w.wrote("left", name, 1)
			for _, gate := range gates {
				if all, _ := w.runs(id); len(all) != 0 {
					t.Fatalf("before %s it ended as %+v", gate, all[0])
				}
				w.open(gate)
				w.wrote("completed "+gate, name, 1)
			}
			if r := w.ended(id, 1); r.Outcome != task.Completed {
				t.Errorf("it ended as %+v", r)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t)
	for _, row := range task.Reasons() {
		reason := row.Reason
		name := "hang-" + reason.String()
		id := w.register(name)
		w.mustFire(id)
		w.wrote("entered", name, 1)
		w.mustCancel(id, reason)
		if line := w.wrote("canceled", name, 1); line.Reason != reason.String() {
			t.Errorf("%v: the run got %s", reason, line.Reason)
		}
		if r := w.ended(id, 1); r.Outcome != task.Canceled || r.Reason != reason || r.Forced {
			t.Errorf("%v: it ended as %+v", reason, r)
		}
		w.app("unregister", name, "cancel") // for some reasons our broker runs it again
	}
}

func TestLateHandler(t *testing.T) {
	w := newWorld(t)
	id := w.register("late")
	w.mustFire(id)
	w.wrote("entered", "late", 1)
	w.mustCancel(id, task.ReasonAbort)
	if line := w.wrote("late", "late", 1); line.Reason != "Abort" {
		t.Errorf("the handler that was added late got %s", line.Reason)
	}
	if r := w.ended(id, 1); r.Outcome != task.Canceled {
		t.Errorf("it ended as %+v", r)
	}
}

func TestUnregisterCancels(t *testing.T) {
	w := newWorld(t)
	id := w.register("hang")
	w.mustFire(id)
	w.wrote("entered", "hang", 1)
	w.app("unregister", "hang", "cancel")
	if line := w.wrote("canceled", "hang", 1); line.Reason != "Abort" {
		t.Errorf("the run got %s", line.Reason)
	}
}

func TestError(t *testing.T) {
	w := newWorld(t)
	id := w.register("fail")
	w.mustFire(id)
	if r := w.ended(id, 1); r.Outcome != task.Failed || r.Text != "this is an error" {
		t.Errorf("it ended as %+v", r)
	}
}

// TestPanic checks that a panic crashes the run, but not its process.
func TestPanic(t *testing.T) {
	w := newWorld(t)
	bad, good := w.register("panic"), w.register("gate")
	w.mustFire(good)
	pid := w.wrote("entered", "gate", 1).PID
	w.mustFire(bad)
	if r := w.ended(bad, 1); r.Outcome != task.Crashed || !strings.Contains(r.Text, "this is a panic") {
		t.Errorf("it ended as %+v", r)
	}
	if line := w.wrote("entered", "panic", 1); line.PID != pid {
		t.Errorf("it ran in %d, the other one in %d", line.PID, pid)
	}
	w.open("gate")
	if r := w.ended(good, 1); r.Outcome != task.Completed {
		t.Errorf("the other one ended as %+v", r)
	}
}
