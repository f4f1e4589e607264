//go:build linux

package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

// sets waits until the broker has said that the wall clock was set.
func (e *events) sets(i int, by string) {
	e.t.Helper()
	e.awaitFrom(i, "word of the clock that was set by "+by, func(ev task.Event) bool {
		return ev.Kind == task.EventClock && ev.Text == "the wall clock was set by "+by
	})
}

// A clock that is set several times in a row, as when a machine wakes and then asks a
// time server, is seen each time, and does not make anybody deaf.
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
		t.Fatal("nobody looks any more after the clock was set")
	}
	if _, err := w.user.Raise(w.context(), "nothing", nil); err != nil { // the broker has looked at the clock
		t.Fatal(err)
	}
	i := e.mark()
	c.set(-time.Minute)
	e.sets(i, "-1m0s")
	for end := time.Now().Add(time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if status := w.source("localtime"); status != task.SourceUp {
			t.Fatalf("the source of the time zone is %v", status)
		}
	}
}

// source is the state of one.
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
