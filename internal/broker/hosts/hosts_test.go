//go:build linux

package hosts

import (
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/task"
)

// Drained waits until the stream of a process was read to its end, but not forever: another
// process may hold the connection open.
func TestDrainedWaitsForTheStreamButNotForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(loop.NewHandle(t.Context()), new(sync.WaitGroup), slog.New(slog.DiscardHandler))
		process := task.Process{PID: 4711, Start: 1, Boot: "boot"}
		drain := func() <-chan time.Duration {
			began, took := time.Now(), make(chan time.Duration, 1)
			go func() {
				h.Drained(t.Context(), process)
				took <- time.Since(began)
			}()
			return took
		}
		if d := <-drain(); d != 0 {
			t.Errorf("without a stream it took %v", d)
		}
		a, err := h.Attach(t.Context(), process)
		if err != nil {
			t.Fatal(err)
		}
		took := drain()
		synctest.Wait()
		select {
		case <-took:
			t.Error("Drained returned before the stream was read")
		default:
		}
		h.Detach(a)
		if d := <-took; d != 0 {
			t.Errorf("it returned %v after the stream was read", d)
		}

		if a, err = h.Attach(t.Context(), process); err != nil {
			t.Fatal(err)
		}
		if d := <-drain(); d != drainWithin {
			t.Errorf("for a stream that does not end it took %v, want %v", d, drainWithin)
		}
		select {
		case <-a.ended:
		default:
			t.Error("the stream was not ended")
		}
	})
}
