//go:build linux

package e2e

import (
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// pair is two tasks: one runs in a launched server, the other in an application that
// its user has opened.
type pair struct {
	w                *world
	e                *events
	app              *process
	launched, opened task.GUID
	runs             [2]task.Run
}

// startPair starts a run of each; both wait at the gate.
func startPair(t *testing.T) *pair {
	t.Helper()
	w := startWorld(t, "")
	p := &pair{w: w, e: w.watch()}
	launched, opened := w.install("Launched", many), w.install("Opened", many)
	p.launched, p.opened = w.register(launched.Family, event("launched", "a", manyClass)), w.register(opened.Family, event("opened", "b", manyClass))
	p.app = w.open(opened)
	w.gate("launched")
	w.gate("opened")
	a, b := w.fire(p.launched, "gate launched"), w.fire(p.opened, "gate opened")
	p.runs = [2]task.Run{p.e.running(p.launched, a), p.e.running(p.opened, b)}
	if p.runs[0].Launch.IsZero() || p.runs[1].PID != p.app.pid {
		t.Fatalf("they run in pids %d and %d; the app is %d", p.runs[0].PID, p.runs[1].PID, p.app.pid)
	}
	return p
}

// complete lets both runs end, and checks that each ends once and in order.
func (p *pair) complete(t *testing.T) {
	t.Helper()
	p.w.opens("launched")
	p.w.opens("opened")
	p.completed(t)
}

func (p *pair) completed(t *testing.T) {
	t.Helper()
	for _, run := range p.runs {
		ended := p.e.runEnded(run.TaskID, run.Occurrence.Number, 1)
		if ended.Outcome != task.Completed || ended.ID != run.ID || ended.PID != run.PID {
			t.Errorf("%s ended %v, instance %v in pid %d; it was %v in pid %d", run.Name, ended.Outcome, ended.ID, ended.PID, run.ID, run.PID)
		}
		p.e.end(run.TaskID, run.Occurrence.Number)
		if n := p.w.info(run.TaskID).Counts.Runs; n != 1 {
			t.Errorf("%s has %d runs", run.Name, n)
		}
	}
	if stays := p.w.stays(); len(stays) != 2 {
		t.Errorf("the journal has %d runs", len(stays))
	}
	p.w.checkOverlap()
}

func TestRunsOutliveABrokerThatCrashed(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	p.w.crash()
	p.w.start()
	p.complete(t)
}

func TestRunsOutliveABrokerThatHandsOver(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	p.w.handOver()
	p.w.start()
	p.complete(t)
}

func TestRunsOutliveTheUpdateOfTheBroker(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	p.w.handOver()
	p.w.binary = p.w.copy(binary, p.w.path("new/bgtask"))
	p.w.start()
	p.complete(t)
}

func TestAnOutcomeWaitsForTheNextBroker(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	p.w.crash()
	p.w.opens("launched")
	p.w.opens("opened")
	eventually(t, "both runs end while there is no broker", func() bool { return len(p.w.lines("leave")) == 2 })
	p.w.start()
	p.completed(t)
}

func TestWhatDiesWithoutABrokerIsLost(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	p.w.crash()
	for _, run := range p.runs {
		syscall.Kill(run.PID, syscall.SIGKILL)
		eventually(t, "the process is dead", func() bool { return gone(run.PID) })
	}
	p.w.start()
	for _, run := range p.runs {
		if ended := p.e.runEnded(run.TaskID, run.Occurrence.Number, 1); ended.Outcome != task.Lost {
			t.Errorf("%s ended %v", run.Name, ended.Outcome)
		}
		p.w.resume(run.TaskID)
		p.w.opens(run.Name)
		if ended := p.e.runEnded(run.TaskID, run.Occurrence.Number, 2); ended.Outcome != task.Completed || ended.Launch.IsZero() {
			t.Errorf("the second attempt of %s ended %v", run.Name, ended.Outcome)
		}
	}
	p.w.checkOverlap()
}

// resume ends a back-off. It is no error if the back-off has just ended by itself.
func (w *world) resume(id task.GUID) {
	w.t.Helper()
	if err := w.user.Resume(w.context(), id); err != nil && task.Code(err) != "invalid" {
		w.t.Fatal(err)
	}
}

func TestSeveralBrokersInARow(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	for range 5 {
		p.w.crash()
		p.w.start()
	}
	p.complete(t)
}

func TestStopCancelsAllRuns(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	family := w.install("Stop", many)
	id := w.register(family.Family, event("stop", "go", manyClass))
	e := w.watch()
	n := w.fire(id, "hang")
	first := e.running(id, n)
	w.do("daemon", "stop")
	if end := w.broker.wait(t); end != "" {
		t.Errorf("the broker ended with %s", end)
	}
	eventually(t, "its servers are gone", func() bool { return gone(first.PID) })
	w.start()
	run := e.runEnded(id, n, 1)
	if run.Outcome != task.Canceled || run.Reason != task.ReasonTerminating || run.Forced {
		t.Errorf("the run ended %v, %v", run.Outcome, run.Reason)
	}
	if again := e.await("the task runs again", func(ev task.Event) bool {
		return ev.Kind == task.EventRunning && ev.Run.Attempt == 2
	}).Run; again.Occurrence.Number != n {
		t.Errorf("again: occurrence %d", again.Occurrence.Number)
	}
}

func TestAnAppWaitsForTheNextBroker(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Open", many)
	app := w.open(p)
	w.do("daemon", "stop")
	w.broker.wait(t)
	old := w.broker.pid
	w.start()
	if w.broker.pid == old {
		t.Fatal("the same broker serves")
	}
	w.awaitAttachedAgain(app.pid)
}

func (w *world) awaitAttachedAgain(pid int) {
	w.t.Helper()
	eventually(w.t, "the app is attached to the new broker", func() bool {
		words := "msg=\"host attached\" pid=" + strconv.Itoa(pid) + " "
		return strings.Count(string(w.brokerLog()), words) == 2
	})
}

func TestTheBrokerPassesABegunLaunchOn(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Begun", server{"late late", []task.GUID{manyClass}})
	id := w.register(p.Family, event("begun", "go", manyClass))
	e := w.watch()
	w.gate("late")
	n := w.fire(id, "")
	eventually(t, "the server is launched", func() bool { return len(w.apps()) == 1 })
	pid := w.apps()[0].pid
	w.crash()
	w.start()
	w.opens("late")
	if run := e.runEnded(id, n, 1); run.Outcome != task.Completed || run.PID != pid {
		t.Errorf("it ended %v in pid %d; pid %d was launched", run.Outcome, run.PID, pid)
	}
	if stays := w.stays(); len(stays) != 1 {
		t.Errorf("the journal has %d runs", len(stays))
	}
}

func TestALaunchedServerKeepsItsBrokerAcrossRestarts(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Keep", server{"serve", []task.GUID{manyClass}})
	id := w.register(p.Family, event("keep", "go", manyClass))
	e := w.watch()
	n := w.fire(id, "")
	first := e.runEnded(id, n, 1)
	w.crash()
	w.start()
	w.awaitAttachedAgain(first.PID)
	n = w.fire(id, "")
	if run := e.runEnded(id, n, 1); run.PID != first.PID {
		t.Errorf("a second server was launched, pid %d; the first is pid %d", run.PID, first.PID)
	}
	if n := len(w.apps()); n != 1 {
		t.Errorf("%d servers are up", n)
	}
}

// A request that is repeated under the same ID after a crash is carried out once. The
// client repeats it by itself when the answer was lost.
func TestARequestIsDoneOnce(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Twice", many)
	id := w.register(p.Family, event("twice", "go", manyClass))
	c := &client.Client{Socket: w.socket(), User: true, Logger: w.user.Logger, Start: w.restart}
	t.Cleanup(func() { c.Close() })
	e := w.watch()
	for i := range uint64(6) {
		if i%2 == 1 {
			w.broker.signal(t, syscall.SIGKILL) // without waiting for it to end
		}
		n, err := c.Fire(w.context(), id, client.Firing{ByHand: true})
		if err != nil {
			t.Fatal(err)
		}
		if n != i+1 {
			t.Errorf("firing %d has number %d", i+1, n)
		}
		e.end(id, n)
	}
}
