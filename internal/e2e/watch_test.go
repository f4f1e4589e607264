//go:build linux

package e2e

import (
	"slices"
	"testing"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// TestWatchAcrossBrokers compares a watcher that reconnected with one that reads all
// events again.
func TestWatchAcrossBrokers(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Watch", many)
	e := w.watch()
	id := w.register(p.Family, event("watch", "go", manyClass))
	var last uint64
	for i := range 8 {
		last = w.fire(id, "")
		if i%2 == 1 {
			w.crash()
			w.start()
		}
	}
	e.end(id, last)
	first := e.list()[0] // synced
	again := w.watchFrom(w.client(true), first.Cursor())
	again.end(id, last)
	checkSequence(t, e.list())
	live, anew := stored(e.list()), stored(again.list())
	n := min(len(live), len(anew))
	for i := range n {
		if live[i].Seq != anew[i].Seq || live[i].Kind != anew[i].Kind {
			t.Fatalf("event %d:\n%s\n%s", i, describe(live[i]), describe(anew[i]))
		}
	}
	var back []uint64
	for ev, err := range w.user.History(w.context(), wire.HistoryQuery{TaskID: id}) {
		if err != nil {
			t.Fatal(err)
		}
		back = append(back, ev.Seq)
	}
	slices.Reverse(back)
	var mine []uint64
	for _, ev := range anew {
		if ev.TaskID == id && ev.Seq <= back[len(back)-1] {
			mine = append(mine, ev.Seq)
		}
	}
	if !slices.Equal(back, mine) {
		t.Errorf("history has %v\nthe watcher has %v", back, mine)
	}
}

// checkSequence checks that a watcher received every stored event once, in order.
func checkSequence(t *testing.T, all []task.Event) {
	t.Helper()
	seq := uint64(0)
	for i, ev := range all {
		switch ev.Kind {
		case task.EventSnapshot:
		case task.EventSynced:
			seq = ev.Seq
		default:
			if passing(ev, seq) {
				continue
			}
			if seq != 0 && ev.Seq != seq+1 {
				t.Errorf("event %d has number %d after %d:\n%s", i, ev.Seq, seq, describe(ev))
			}
			seq = ev.Seq
		}
	}
}

// passing reports whether an event is not stored. Such an event carries the number of
// the last stored event.
func passing(ev task.Event, last uint64) bool {
	return ev.Kind == task.EventProgress || ev.Kind == task.EventFact || ev.Kind == task.EventChanged && ev.Text == "" && ev.Seq == last
}

func stored(all []task.Event) (some []task.Event) {
	last := uint64(0)
	for _, ev := range all {
		if ev.Kind == task.EventSnapshot || ev.Kind == task.EventSynced || passing(ev, last) {
			continue
		}
		last = ev.Seq
		some = append(some, ev)
	}
	return some
}
