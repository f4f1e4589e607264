//go:build linux

package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

// sets waits until the broker has reported that the wall clock was set. The broker
// measures the step only approximately, since two clocks cannot be read at one instant.
func (e *events) sets(i int, by time.Duration) {
	e.t.Helper()
	e.awaitFrom(i, "the report that the clock was set by "+by.String(), func(ev task.Event) bool {
		word, ok := strings.CutPrefix(ev.Text, "the wall clock was set by ")
		step, err := time.ParseDuration(word)
		return ev.Kind == task.EventClock && ok && err == nil && (step-by).Abs() < time.Second
	})
}

// A clock may be set several times in a row, as when a machine wakes and then asks a
// time server. The broker notices each step, and still notices the next one.
func TestAClockThatIsSetAgainAndAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	c := w.ownClocks()
	w.start()
	e := w.watch()
	w.awaitSource("localtime", task.SourceUp)
	over := c.setAgain(3, 1, 2*time.Second)
	c.set(time.Hour)
	select {
	case <-over:
	case <-time.After(patience):
		t.Fatal("no process notices any more that the clock was set")
	}
	if _, err := w.user.Raise(w.context(), "nothing", nil); err != nil { // the broker has read the clock
		t.Fatal(err)
	}
	i := e.mark()
	c.set(-time.Minute)
	e.sets(i, -time.Minute)
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if status := w.source("localtime"); status != task.SourceUp {
			t.Fatalf("the source of the time zone is %v", status)
		}
	}
}

// A calendar follows the wall clock, an interval does not.
func TestAClockThatIsSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	c := w.ownClocks()
	w.start()
	interval := w.add("interval", "true", "--every", "1h")
	at := c.now().UTC().Truncate(time.Second).Add(2 * time.Hour)
	daily := w.add("daily", record, "--calendar", at.Format("*-*-* 15:04:05 MST"))
	e := w.watch()
	for _, test := range []struct {
		step  time.Duration
		fires bool
		next  time.Time
	}{
		{3 * time.Hour, true, at.AddDate(0, 0, 1)},
		{-3 * time.Hour, false, at.AddDate(0, 0, 1)},   // an instant that has passed does not come again
		{-48 * time.Hour, false, at.AddDate(0, 0, -2)}, // but after a step of more than a day it does
	} {
		i := e.mark()
		c.set(test.step)
		e.sets(i, test.step)
		if test.fires {
			e.ends(i, daily)
		}
		if next := w.info(daily).State.Next; !next.Equal(test.next) {
			t.Errorf("after a step by %v the calendar is due %v, not %v", test.step, next, test.next)
		}
		if left := w.info(interval).State.Next.Sub(c.now()); left > time.Hour || left < time.Hour-2*patience {
			t.Errorf("after a step by %v the interval is due in %v", test.step, left)
		}
	}
	if got := w.reported(); len(got) != 1 || !got[0].(task.TimeTriggerDetails).Due.Equal(at) {
		t.Errorf("the calendar's run got %+v; it was due %v", got, at)
	}
	if n := w.info(interval).Counts.Runs; n != 0 {
		t.Errorf("the interval ran %d times", n)
	}
}

// A machine that hibernated may wake with a wrong clock, in either direction.
func TestAHibernationWithAnotherClock(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		wall time.Duration
	}{
		{"ahead", 30 * time.Hour},
		{"still", 0},
		{"behind", -time.Hour},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "")
			c := w.ownClocks()
			w.start()
			skip := w.add("skip", "true", "--every", "1h", "--misfire", "skip")
			e := w.watch()
			const slept = 5*time.Hour + time.Minute + time.Second
			c.move(test.wall, slept)
			if ev := e.wakes(0); ev.Text != "the machine slept for 5h1m1s" {
				t.Errorf("the event says %q", ev.Text)
			}
			e.sets(0, test.wall-slept)
			e.await("missed instants", func(ev task.Event) bool { return ev.Kind == task.EventMissed })
			if m := e.missed(skip); len(m) != 1 || m[0].Count != 5 || m[0].Cause != task.MissedAsleep {
				t.Errorf("it missed %+v", m)
			}
		})
	}
}

// In the night when clocks go forward, 02:30 does not exist: it comes once, at three.
// In the night when they go back it exists twice, and comes once.
func TestTheNightsOfSummerTime(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		start time.Time
		due   []time.Time // one after the other
	}{
		{"on", time.Date(2027, 3, 27, 12, 0, 0, 0, time.UTC), []time.Time{
			time.Date(2027, 3, 28, 1, 0, 0, 0, time.UTC), time.Date(2027, 3, 29, 0, 30, 0, 0, time.UTC)}},
		{"back", time.Date(2027, 10, 30, 12, 0, 0, 0, time.UTC), []time.Time{
			time.Date(2027, 10, 31, 0, 30, 0, 0, time.UTC), time.Date(2027, 11, 1, 1, 30, 0, 0, time.UTC)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "")
			c := w.ownClocks()
			c.set(time.Until(test.start))
			w.start()
			id := w.add("nightly", record, "--calendar", "*-*-* 02:30:00 Europe/Berlin")
			e := w.watch()
			for n, due := range test.due {
				i := e.mark()
				c.sleepUntil(due.Add(time.Second))
				e.ends(i, id)
				got := w.reported()
				if len(got) != n+1 || !got[n].(task.TimeTriggerDetails).Due.Equal(due) {
					t.Errorf("it got %+v; it was due %v", got, due)
				}
			}
		})
	}
}

// source returns the state of a source.
func (w *world) source(name string) task.SourceStatus {
	w.t.Helper()
	_, sources, err := w.user.Facts(w.context())
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(sources, func(s task.SourceState) bool { return s.Name == name })
	if i < 0 {
		w.t.Fatalf("there is no source %q", name)
	}
	return sources[i].Status
}
