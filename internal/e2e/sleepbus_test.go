//go:build linux

package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/task"
)

// A laptop's lid is closed and opened. logind announces the sleep before and after it,
// and locks the session. The sleep ends no run, and everything is as before.
func TestASleepThatLogindAnnounces(t *testing.T) {
	t.Parallel()
	w, bus := busWorld(t, "")
	mock, session := playLogind(t, bus)
	c := w.ownClocks()
	broker := w.start()
	conn := bus.Connect(t)
	awaitLocks(t, conn, 1)
	prepare := func(sleeps bool) {
		mock.Set(t, logindPath, logindManager, map[string]any{"PreparingForSleep": sleeps})
		mock.CallObject(t, logindPath, "org.freedesktop.DBus.Mock.EmitSignal", logindManager, "PrepareForSleep", "b", []any{dbus.MakeVariant(sleeps)})
	}
	timed := w.add("timed", record, "--every", "1h")
	back := w.add("back", "true", "--on", "user-present")
	busy := w.add("busy", `read line <"$HOME/gate"; exit 0`, "--on", "event:go", "--limit", "1h")
	w.gate("gate")
	e := w.watch()
	w.awaitFact(task.FactUser, task.Present)
	w.do("raise", "go")
	live := e.runs(0, busy)

	session("LockedHint", true)
	prepare(true)
	w.awaitFact(task.FactUser, task.Away)
	c.sleep(8 * time.Hour)
	e.wakes(0)
	prepare(false)
	session("LockedHint", false)
	if run := e.ends(0, back); run.Outcome != task.Completed {
		t.Errorf("the task that waited for the user ended %v: %s", run.Outcome, run.Text)
	}
	e.catchesUp(timed, e.wakes(0), e.ends(0, timed))
	if n := w.info(timed).Counts.Runs; n != 1 || len(w.reported()) != 1 {
		t.Errorf("it ran %d times for a sleep over eight of its instants", n)
	}
	awaitLocks(t, conn, 1)
	w.opens("gate")
	if run := e.ends(0, busy); run.ID != live.ID || run.Outcome != task.Completed {
		t.Errorf("the run over the sleep ended %v, %v: %s", run.Outcome, run.Reason, run.Text)
	}
	if !broker.alive() {
		t.Errorf("the broker ended: %v", broker.err)
	}
}

// Without logind and with nothing due, the broker notices a sleep when it is over, from
// the kernel alone.
func TestASleepThatIsNotAnnounced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	c := w.ownClocks()
	w.start()
	e := w.watch()
	for range 3 {
		i := e.mark()
		c.sleep(time.Hour)
		e.wakes(i)
	}
}

// The broker ends, the machine sleeps, and the next broker starts in the same boot.
func TestASleepWithoutABroker(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	const limit = 10 * time.Second
	w := newWorld(t, "")
	c := w.ownClocks()
	w.start()
	timed := w.add("timed", record, "--every", "1h")
	limited := w.add("limited", `trap 'exit 3' TERM; echo ready >"$HOME/ready"; while :; do sleep 1000 & wait $!; done`, "--on", "event:go", "--limit", "10s")
	held := w.add("held", "true", "--on", "event:go", "--when", "user-away", "--hold", "5h")
	w.gate("ready")
	e := w.watch()
	began := time.Now()
	w.do("raise", "go")
	live := e.runs(0, limited)
	if _, err := os.ReadFile(w.path("ready")); err != nil {
		t.Fatal(err)
	}
	w.handOver()
	c.sleep(5*time.Hour + 30*time.Minute)
	w.start()
	if run := e.ends(0, timed); run.Outcome != task.Completed || run.Occurrence.Missed != 4 {
		t.Errorf("it ended %v: %s; it makes up for %d instants", run.Outcome, run.Text, run.Occurrence.Missed)
	}
	for _, m := range e.missed(timed) {
		if m.Cause != task.MissedBrokerDown || m.Count != 4 {
			t.Errorf("it missed %+v", m)
		}
	}
	if end := e.end(held, 1); end.End != task.EndExpired {
		t.Errorf("the held task ended %v", end.End)
	}
	if run := e.ends(0, limited); run.ID != live.ID || run.Outcome != task.TimedOut || time.Since(began) < limit {
		t.Errorf("the run over the sleep ended %v, %v after %v: %s", run.Outcome, run.Reason, time.Since(began), run.Text)
	}
}
