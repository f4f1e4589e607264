//go:build linux

package loop

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

func fact(name string, v task.Value) task.Fact { return task.Fact{Name: name, Value: v} }

func TestAFullInbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newInbox(2)
		for range 2 {
			if err := b.offer(item{event: engine.Fire{}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.offer(item{event: engine.Fire{}}); !errors.Is(err, task.ErrBusy) {
			t.Errorf("a request: %v, want ErrBusy", err)
		}

		b.report(engine.FactsReported{Source: "net", Facts: []task.Fact{fact("internet", "no")}})
		b.report(engine.FactsReported{Source: "power", Facts: []task.Fact{fact("on-ac", "yes")}})
		b.report(engine.FactsReported{Source: "net", Facts: []task.Fact{fact("internet", "yes"), fact("metered", "no")}})

		ctx, cancel := context.WithCancel(t.Context())
		gaveUp := make(chan error, 1)
		go func() { gaveUp <- b.put(ctx, item{event: engine.Exited{}}) }()
		synctest.Wait()
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("put after its context ended: %v", err)
		}

		put := make(chan error, 1)
		go func() { put <- b.put(t.Context(), item{event: engine.Finished{}}) }()
		synctest.Wait()
		select {
		case <-put:
			t.Fatal("put did not wait for room")
		default:
		}

		got := events(b.take(3))
		if err := <-put; err != nil {
			t.Fatal(err)
		}
		got = append(got, events(b.take(99))...)
		want := []engine.Event{
			engine.Fire{}, engine.Fire{},
			engine.FactsReported{Source: "net", Facts: []task.Fact{fact("internet", "yes"), fact("metered", "no")}},
			engine.FactsReported{Source: "power", Facts: []task.Fact{fact("on-ac", "yes")}},
			engine.Finished{},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("taken (-want +got):\n%s", diff)
		}
	})
}

func TestFactsAreNotJoinedWhileThereIsRoom(t *testing.T) {
	b := newInbox(8)
	b.report(engine.FactsReported{Source: "net", Facts: []task.Fact{fact("internet", "no")}})
	b.report(engine.FactsReported{Source: "net", Facts: []task.Fact{fact("internet", "yes")}})
	if got := len(b.take(8)); got != 2 {
		t.Errorf("%d reports, want 2: the edge would be lost", got)
	}
}

func events(items []item) []engine.Event {
	var evs []engine.Event
	for _, it := range items {
		evs = append(evs, it.event)
	}
	return evs
}
