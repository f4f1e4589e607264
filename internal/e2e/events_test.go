//go:build linux

package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// events are all events that a watcher has received since it began, over all brokers.
type events struct {
	t *testing.T

	mu    sync.Mutex
	all   []task.Event
	more  chan struct{} // closed and replaced with each event
	ended chan struct{}
	err   error
	stop  func() // returns when the watch has ended
}

// watch begins now, and continues over restarts of the broker.
func (w *world) watch() *events {
	w.t.Helper()
	return w.watchFrom(w.user, "")
}

func (w *world) watchFrom(c *client.Client, since task.Cursor) *events {
	w.t.Helper()
	e := &events{t: w.t, more: make(chan struct{}), ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	synced := make(chan struct{})
	go func() {
		defer close(e.ended)
		for ev, err := range c.Watch(ctx, wire.WatchQuery{Since: since}) {
			if ev.Kind == task.EventSynced {
				close(synced)
			}
			if !e.add(ev, err) {
				return
			}
		}
	}()
	e.stop = func() {
		cancel()
		<-e.ended
	}
	w.t.Cleanup(e.stop)
	if since == "" {
		select {
		case <-synced:
		case <-e.ended:
			w.t.Fatalf("watch: %v", e.err)
		case <-time.After(patience):
			w.t.Fatal("watch: no snapshot")
		}
	}
	return e
}

func (e *events) add(ev task.Event, err error) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.err = err
	} else {
		e.all = append(e.all, ev)
	}
	close(e.more)
	e.more = make(chan struct{})
	return err == nil
}

// from returns the events from the i-th on, and a channel that is closed when there are
// more.
func (e *events) from(i int) (some []task.Event, more <-chan struct{}, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.all[i:len(e.all):len(e.all)], e.more, e.err
}

func (e *events) list() []task.Event {
	some, _, _ := e.from(0)
	return some
}

// await returns the first event that matches, of all past and future events.
func (e *events) await(what string, right func(task.Event) bool) task.Event {
	e.t.Helper()
	return e.awaitFrom(0, what, right)
}

// mark returns the number of events so far, for awaitFrom.
func (e *events) mark() int { return len(e.list()) }

func (e *events) awaitFrom(i int, what string, right func(task.Event) bool) task.Event {
	e.t.Helper()
	timeout := time.After(patience)
	for {
		some, more, err := e.from(i)
		for _, ev := range some {
			if right(ev) {
				return ev
			}
		}
		if err != nil {
			e.t.Fatalf("waiting for %s: %v", what, err)
		}
		i += len(some)
		select {
		case <-more:
		case <-timeout:
			e.t.Fatalf("this did not happen: %s. The last events:\n%s", what, e.last(30))
		}
	}
}

func (e *events) last(n int) string {
	all := e.list()
	var b strings.Builder
	for _, ev := range all[max(0, len(all)-n):] {
		fmt.Fprintln(&b, describe(ev))
	}
	return b.String()
}

func describe(ev task.Event) string {
	s := fmt.Sprintf("%6d %-12v %s", ev.Seq, ev.Kind, ev.Name)
	if ev.Occurrence != nil {
		s += fmt.Sprintf(" occurrence %d (%d firings)", ev.Occurrence.Number, ev.Occurrence.Count)
	}
	if ev.Run != nil {
		s += fmt.Sprintf(" occurrence %d attempt %d pid %d %v %v %s %s", ev.Run.Occurrence.Number, ev.Run.Attempt, ev.Run.PID, ev.Run.Outcome, ev.Run.Reason, ev.Run.Exit, ev.Run.Text)
	}
	if ev.End != task.EndNone {
		s += fmt.Sprintf(" %v", ev.End)
	}
	if ev.State != nil {
		s += " | " + ev.State.String()
	}
	return s + " " + ev.Text
}

// running returns the run of an occurrence once it was entered.
func (e *events) running(id task.GUID, number uint64) task.Run {
	e.t.Helper()
	return *e.await(fmt.Sprintf("occurrence %d runs", number), func(ev task.Event) bool {
		return ev.Kind == task.EventRunning && ev.TaskID == id && ev.Run.Occurrence.Number == number
	}).Run
}

// ended returns the run of an attempt at an occurrence, with its outcome.
func (e *events) runEnded(id task.GUID, number uint64, attempt int) task.Run {
	e.t.Helper()
	return *e.await(fmt.Sprintf("attempt %d at occurrence %d ends", attempt, number), func(ev task.Event) bool {
		return ev.Kind == task.EventEnded && ev.TaskID == id && ev.Run.Occurrence.Number == number && ev.Run.Attempt == attempt
	}).Run
}

// end waits for the end of the occurrence that holds a firing.
func (e *events) end(id task.GUID, number uint64) task.Event {
	e.t.Helper()
	return e.await(fmt.Sprintf("occurrence %d ends", number), func(ev task.Event) bool {
		return ev.Kind == task.EventOccurrence && ev.TaskID == id && ev.Occurrence.Number >= number
	})
}

// phase waits until a task is in a phase, starting at the i-th event.
func (e *events) phase(i int, id task.GUID, phase task.Phase) task.Event {
	e.t.Helper()
	return e.awaitFrom(i, phase.String(), func(ev task.Event) bool {
		return ev.TaskID == id && ev.State != nil && ev.State.Phase == phase
	})
}
