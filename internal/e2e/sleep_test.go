//go:build linux

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/task"
)

// wakes waits until the broker has reported that the machine slept.
func (e *events) wakes(i int) task.Event {
	e.t.Helper()
	return e.awaitFrom(i, "the report of the sleep", func(ev task.Event) bool {
		return ev.Kind == task.EventClock && strings.HasPrefix(ev.Text, "the machine slept for ")
	})
}

// missed returns the ranges of missed instants of a task.
func (e *events) missed(id task.GUID) (all []task.Missed) {
	for _, ev := range e.list() {
		if ev.Kind == task.EventMissed && ev.TaskID == id {
			all = append(all, *ev.Missed)
		}
	}
	return all
}

// catchesUp checks that a run waited for as long as the broker announced.
func (e *events) catchesUp(id task.GUID, woke task.Event, run task.Run) {
	e.t.Helper()
	held := e.phase(0, id, task.Held)
	if len(held.State.Reasons) != 1 || held.State.Reasons[0].Kind != task.WaitCatchUp {
		e.t.Fatalf("%s waits for %+v", held.Name, held.State.Reasons)
	}
	until := held.State.Reasons[0].Until
	const close = time.Second // two clocks cannot be read at one instant
	if after := until.Sub(woke.Time); after < task.CatchUpSettle-close || after > task.CatchUpSettle+task.CatchUpSpread+close {
		e.t.Errorf("%s is put off until %v after the machine woke", held.Name, after)
	}
	if run.Started.Before(until.Add(-close)) {
		e.t.Errorf("%s was put off until %v and started %v", held.Name, until, run.Started)
	}
}

// What was due while the machine slept is caught up on once it is awake: not
// immediately, not later than promised, and as often as the task's misfire policy says.
func TestWhatWasDueInASleep(t *testing.T) {
	needs.Time(t)
	t.Parallel()
	w := newWorld(t, "")
	c := w.ownClocks()
	w.start()
	once := w.add("once", record, "--every", "1h")
	skip := w.add("skip", "true", "--every", "1h", "--misfire", "skip")
	two := w.add("two", "true", "--every", "1h", "--misfire", "all:2")
	noon := c.now().UTC().Truncate(time.Minute).Add(2 * time.Hour)
	daily := w.add("daily", "true", "--calendar", noon.Format("*-*-* 15:04:05 MST"))
	later := w.add("later", "true", "--in", "24h")
	first := w.info(once).State.Next
	e := w.watch()

	c.sleep(3*time.Hour + 30*time.Minute)
	woke := e.wakes(0)
	if woke.Text != "the machine slept for 3h30m0s" {
		t.Errorf("the event says %q", woke.Text)
	}
	if why := w.do("why", "once"); !strings.Contains(why, "once is held: the machine has just started or woken, until ") {
		t.Errorf("why says\n%s", why)
	}
	for _, test := range []struct {
		id     task.GUID
		name   string
		runs   int
		missed []task.Missed // count and cause
	}{
		{once, "once", 1, []task.Missed{{Count: 2, MadeUp: 1}}},
		{skip, "skip", 0, []task.Missed{{Count: 3}}},
		{two, "two", 2, []task.Missed{{Count: 1}}},
		{daily, "daily", 1, nil},
		{later, "later", 0, nil},
	} {
		for n := range test.runs {
			run := e.runEnded(test.id, uint64(n+1), 1)
			if run.Outcome != task.Completed {
				t.Errorf("%s ended %v: %s", test.name, run.Outcome, run.Text)
			}
			if n == 0 {
				e.catchesUp(test.id, woke, run)
			}
		}
		got := e.missed(test.id)
		for i := range got {
			if got[i].Cause != task.MissedAsleep {
				t.Errorf("%s missed %+v: it was asleep", test.name, got[i])
			}
			got[i] = task.Missed{Count: got[i].Count, MadeUp: got[i].MadeUp}
		}
		if !slices.Equal(got, test.missed) {
			t.Errorf("%s missed %+v, not %+v", test.name, got, test.missed)
		}
		info := w.info(test.id)
		if info.Counts.Runs != test.runs || !info.State.Next.After(c.now()) {
			t.Errorf("%s has %d runs and is due %v", test.name, info.Counts.Runs, info.State.Next)
		}
	}
	for _, got := range w.reported() {
		if d := got.(task.TimeTriggerDetails); d.Missed != 2 || d.Due.Sub(first.Add(2*time.Hour)).Abs() > time.Second {
			t.Errorf("the run got %+v; it was due at %v and each hour after", d, first)
		}
	}
	history := w.do("history", "once")
	for _, words := range []string{"2 missed until ", "asleep; made up by occurrence 1", "completed"} {
		if !strings.Contains(history, words) {
			t.Errorf("history does not say %q:\n%s", words, history)
		}
	}
}

// The machine may fall asleep between any two instructions of the broker, even after
// the broker has read one clock and before it reads the next.
func TestASleepBetweenTwoReadings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	c := w.ownClocks()
	w.start()
	w.add("listener", "true", "--on", "event:other")
	e := w.watch()
	const readings = 8 // more than handling one event takes
	for n := range readings {
		i := e.mark()
		over := c.sleepAt(n, 25*time.Hour)
		for slept := false; !slept; {
			if _, err := w.user.Raise(w.context(), "nothing", nil); err != nil {
				t.Fatal(err)
			}
			select {
			case <-over:
				slept = true
			default:
			}
		}
		if ev := e.wakes(i); ev.Text != "the machine slept for 25h0m0s" {
			t.Errorf("after %d readings the event says %q", n, ev.Text)
		}
	}
	for _, ev := range e.list() {
		if ev.Kind == task.EventClock && strings.Contains(ev.Text, "was set") {
			t.Errorf("the event says %q, but the clock was not set", ev.Text)
		}
	}
}

// A traveler's laptop sleeps in one zone and wakes in another. The instant that was due
// in the old zone comes, once, and the next one is due in the new zone.
func TestASleepFromZoneToZone(t *testing.T) {
	t.Parallel()
	needsClocks(t)
	w, inside := nsWorld(t)
	if !inside {
		return
	}
	setZone := w.ownZone()
	c := w.ownClocks()
	c.set(time.Until(time.Date(2027, 1, 15, 1, 0, 0, 0, time.UTC)))
	setZone("Asia/Tokyo")
	w.start()
	id := w.add("noon", record, "--calendar", "*-*-* 12:00")
	fixed := w.add("fixed", "true", "--calendar", "*-*-* 12:00 Asia/Tokyo")
	e := w.watch()
	noon := time.Date(2027, 1, 15, 3, 0, 0, 0, time.UTC) // in Tokyo
	c.sleepWhile(noon.Add(30*time.Second).Sub(c.now()), func() { setZone("Asia/Kathmandu") })
	e.ends(0, id)
	if got := w.reported(); len(got) != 1 || !got[0].(task.TimeTriggerDetails).Due.Equal(noon) {
		t.Errorf("it got %+v; it was due %v", got, noon)
	}
	for id, due := range map[task.GUID]time.Time{id: noon.Add(3*time.Hour + 15*time.Minute), fixed: noon.AddDate(0, 0, 1)} {
		if info := w.info(id); !info.State.Next.Equal(due) {
			t.Errorf("%s is due %v, not %v", info.Spec.Name, info.State.Next, due)
		}
	}
}
