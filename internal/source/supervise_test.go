//go:build linux

package source

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

// script is a source controlled by a test.
type script struct {
	say   chan []task.Fact
	end   chan error
	wake  chan struct{}
	tries atomic.Int32
}

func newScript() *script {
	return &script{say: make(chan []task.Fact), end: make(chan error), wake: make(chan struct{})}
}

func (s *script) Watch(ctx context.Context, report func(...task.Fact)) error {
	s.tries.Add(1)
	for {
		select {
		case facts := <-s.say:
			report(facts...)
		case err := <-s.end:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *script) Wait(ctx context.Context, _ *NotHereError) error {
	select {
	case <-s.wake:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func internet(v task.Value) []task.Fact { return []task.Fact{{Name: task.FactInternet, Value: v}} }

func (r *recorder) take() []string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	log := r.log
	r.log = nil
	return log
}

func expect(t *testing.T, r *recorder, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, r.take()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestChainFallsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		best, next := newScript(), newScript()
		r, stop := start(t, Chain{{Name: "best", Source: best}, {Name: "next", Source: next}})
		expect(t, r, "best: starting")
		best.say <- internet(task.Yes)
		expect(t, r, "best: up", "next: standing by", "internet=yes")

		best.end <- errors.New("crashed")
		expect(t, r, "best: gone")
		time.Sleep(backoffFirst)
		best.say <- internet(task.Yes) // it only restarted
		expect(t, r, "best: up", "internet=yes")
		time.Sleep(2 * fallbackDelay)
		expect(t, r)

		best.end <- &NotHereError{Detail: "stopped"}
		expect(t, r, "best: gone") // not NotHere: it was up, so the machine has it
		time.Sleep(fallbackDelay)
		expect(t, r, "next: starting")
		next.say <- internet(task.No)
		expect(t, r, "next: up", "internet=no")

		best.wake <- struct{}{}
		time.Sleep(backoffFirst)
		best.say <- internet(task.Yes)
		expect(t, r, "best: up", "next: standing by", "internet=yes")
		stop()
		expect(t, r)
	})
}

func TestChainOfAbsentees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newScript(), newScript()
		r, _ := start(t, Chain{{Name: "a", Source: a}, {Name: "b", Source: b}})
		a.end <- &NotHereError{Detail: "no service", Remedy: "install it"}
		expect(t, r, "a: starting", "a: not here", "b: starting")
		b.end <- &NotHereError{Detail: "nor this"}
		expect(t, r, "b: not here")
		if got := r.states["a"]; got.Detail != "no service" || got.Remedy != "install it" {
			t.Errorf("state %+v", got)
		}
		time.Sleep(24 * time.Hour)
		if a.tries.Load() != 1 || b.tries.Load() != 1 {
			t.Errorf("missing services were tried %d and %d times", a.tries.Load(), b.tries.Load())
		}
	})
}

func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		start(t, Chain{{Name: "s", Source: s}})
		for _, wait := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			s.end <- errors.New("crashed")
			synctest.Wait()
			before := s.tries.Load()
			time.Sleep(wait*time.Second - 1)
			if s.tries.Load() != before {
				t.Errorf("tried again before %ds", wait)
			}
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			if s.tries.Load() != before+1 {
				t.Errorf("not tried again after %ds", wait)
			}
		}
		time.Sleep(2 * backoffMost) // it ran for longer than the back-off
		s.end <- errors.New("crashed")
		before := s.tries.Load()
		time.Sleep(backoffFirst)
		synctest.Wait()
		if s.tries.Load() != before+1 {
			t.Error("the back-off was not reset")
		}
	})
}

func TestSameReportIsPassedOnOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScript()
		r, _ := start(t, Chain{{Name: "s", Source: s}})
		for range 3 {
			s.say <- internet(task.Yes)
		}
		expect(t, r, "s: starting", "s: up", "internet=yes")
	})
}

func TestWorkCost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		power, user := newScript(), newScript()
		r, _ := start(t, Chain{{Name: "power", Source: power}}, Chain{{Name: "user", Source: user}})
		onAC := func(v task.Value) { power.say <- []task.Fact{{Name: task.FactOnAC, Value: v}} }
		is := func(v task.Value) { user.say <- []task.Fact{{Name: task.FactUser, Value: v}} }
		cost := func(want ...string) {
			t.Helper()
			got := slices.DeleteFunc(r.take(), func(s string) bool { return len(s) < 9 || s[:9] != "work-cost" })
			if !slices.Equal(got, want) {
				t.Errorf("log %q, want %q", got, want)
			}
		}
		is(task.Present)
		cost()
		onAC(task.Yes)
		cost("work-cost=low")
		is(task.Away)
		cost()
		onAC(task.No)
		cost("work-cost=high")
		is(task.Present)
		cost("work-cost=medium")
		user.end <- errors.New("crashed")
		cost("work-cost=unknown")
		if r.facts[task.FactWorkCost].Source != "power" {
			t.Error("work-cost does not belong to the power source")
		}
		time.Sleep(backoffFirst)
		is(task.Present)
		cost("work-cost=medium")
	})
}
