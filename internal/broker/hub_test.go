//go:build linux

package broker

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

func everything(task.Event) bool { return true }

func numbered(from, to uint64) iter.Seq[task.Event] {
	return func(yield func(task.Event) bool) {
		for seq := from; seq <= to && yield(task.Event{Seq: seq}); seq++ {
		}
	}
}

func TestAWatcherThatLagsIsDroppedAndHoldsUpNobody(t *testing.T) {
	h := newHub()
	slow, quick := h.join(everything), h.join(everything)
	for ev := range numbered(1, task.MaxWatchBuffer+1) {
		h.tell([]task.Event{ev})
		if got := <-quick.events; got.Seq != ev.Seq {
			t.Fatalf("the quick one got %d, want %d", got.Seq, ev.Seq)
		}
	}
	select {
	case <-slow.lagged:
	default:
		t.Fatal("the slow one was not dropped")
	}
	select {
	case <-quick.lagged:
		t.Error("the quick one was dropped")
	default:
	}
	h.leave(slow)
	h.leave(slow)
	h.tell([]task.Event{{Seq: 9999}})
	if n := len(slow.events); n != task.MaxWatchBuffer {
		t.Errorf("after it was dropped, %d events wait for it", n)
	}
}

func TestWhatAWatcherIsTold(t *testing.T) {
	id, other := task.GUID{1}, task.GUID{2}
	own := task.Event{Kind: task.EventFired, Package: "P", TaskID: id}
	sibling := task.Event{Kind: task.EventFired, Package: "P", TaskID: other}
	foreign := task.Event{Kind: task.EventFired, Package: "Q", TaskID: other}
	internet := task.Event{Kind: task.EventFact, Fact: &task.Fact{Name: task.FactInternet}}
	power := task.Event{Kind: task.EventFact, Fact: &task.Fact{Name: task.FactOnAC}}
	clock := task.Event{Kind: task.EventClock}
	all := []task.Event{own, sibling, foreign, internet, power, clock}
	spec := task.Spec{Trigger: task.ApplicationTrigger{}, Conditions: []task.Condition{task.InternetAvailable}}
	for name, c := range map[string]struct {
		wants wants
		told  string // of each event
	}{
		"the user":             {wants{all: true}, "yyyyyy"},
		"an application":       {wants{family: "P"}, "yynyyy"},
		"one task":             {wants{all: true, id: id, facts: spec.Facts()}, "ynnyny"},
		"an application's one": {wants{family: "P", id: id, facts: spec.Facts()}, "ynnyny"},
	} {
		for i, ev := range all {
			if got, want := c.wants.event(ev), c.told[i] == 'y'; got != want {
				t.Errorf("%s, event %d: %v, want %v", name, i, got, want)
			}
		}
	}
}

func TestEverybodyWhoAsksWithOneIDIsAnswered(t *testing.T) {
	r := newRequests()
	id := newRequestID()
	var answers []uint64
	take := func(a engine.Answer) { answers = append(answers, a.Number) }
	r.await(id, take)
	leave := r.await(id, take)
	r.await(id, take)
	leave()
	r.reply(id, engine.Answer{Number: 7})
	r.reply(id, engine.Answer{Number: 8}) // nobody waits any more
	if len(answers) != 2 || answers[0] != 7 || answers[1] != 7 {
		t.Errorf("answers %v, want 7 twice", answers)
	}
	if len(r.waiting) != 0 {
		t.Errorf("%d ids are waited for", len(r.waiting))
	}
}

// A query whose caller has gone is not run: what it would write to is not there.
func TestAQueryThatWasGivenUpIsNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broker{inbox: newInbox(4), life: t.Context()}
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() { failed <- b.query(ctx, func(engine.Instant) { t.Error("it was run") }) }()
		synctest.Wait()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		for _, it := range b.inbox.take(9) {
			it.query(engine.Instant{})
		}
	})
}
