//go:build linux

package loop

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/bgtask/bgtask/internal/engine"
)

func TestAllCallsWithOneRequestIDAreAnswered(t *testing.T) {
	r := newReplies()
	id := NewRequestID()
	var answers []uint64
	take := func(a engine.Answer) { answers = append(answers, a.Number) }
	r.expect(id, take)
	leave := r.expect(id, take)
	r.expect(id, take)
	leave()
	r.reply(id, engine.Answer{Number: 7})
	r.reply(id, engine.Answer{Number: 8}) // nothing waits anymore
	if len(answers) != 2 || answers[0] != 7 || answers[1] != 7 {
		t.Errorf("answers %v, want 7 twice", answers)
	}
	if len(r.waiting) != 0 {
		t.Errorf("%d ids still have waiters", len(r.waiting))
	}
}

// A query whose caller has gone is not run: the caller no longer owns its variables.
func TestAnAbandonedQueryIsNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHandle(t.Context())
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() { failed <- h.Query(ctx, func(State, engine.Instant) { t.Error("it was run") }) }()
		synctest.Wait()
		cancel()
		if err := <-failed; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		for _, it := range h.inbox.take(9) {
			it.query(engine.Instant{})
		}
	})
}
