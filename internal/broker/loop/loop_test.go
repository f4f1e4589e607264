//go:build linux

package loop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// journal is what happened, in order, as the fakes below saw it.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

// scripted is an engine whose steps are a function.
type scripted struct {
	State
	*journal
	step func(now engine.Instant, ev engine.Event) engine.Output
}

func (s *scripted) Step(now engine.Instant, ev engine.Event) engine.Output {
	s.add("step %s", strings.TrimPrefix(fmt.Sprintf("%T", ev), "engine."))
	return s.step(now, ev)
}

type fakeStore struct {
	*journal
	err error
}

func (s *fakeStore) Commit(_ context.Context, writes []engine.Write) error {
	s.add("commit %d", len(writes))
	return s.err
}

type fakePerformer struct{ *journal }

func (s *fakePerformer) Publish(events []task.Event) {
	for _, ev := range events {
		s.add("publish %v", ev.Kind)
	}
}
func (s *fakePerformer) Perform(a engine.Action) {
	s.add("perform %s", strings.TrimPrefix(fmt.Sprintf("%T", a), "engine."))
}

// testClock is the bubble's time: boot was when the test began.
type testClock struct{ boot time.Time }

func (c *testClock) Now() engine.Instant {
	up := time.Since(c.boot)
	return engine.Instant{Wall: time.Now(), Boot: up, Awake: up, ID: "boot"}
}

// testAlarm is an alarm on the bubble's time.
type testAlarm struct {
	clock *testClock
	timer *time.Timer
	ring  chan struct{}
}

func newTestAlarm(c *testClock) *testAlarm { return &testAlarm{clock: c, ring: make(chan struct{}, 1)} }

func (a *testAlarm) Set(at time.Duration) error {
	if a.timer != nil {
		a.timer.Stop()
	}
	if at != 0 {
		a.timer = time.AfterFunc(time.Until(a.clock.boot.Add(at)), func() {
			select {
			case a.ring <- struct{}{}:
			default:
			}
		})
	}
	return nil
}
func (a *testAlarm) C() <-chan struct{} { return a.ring }

type loopRig struct {
	*Loop
	inbox   *inbox
	journal *journal
	store   *fakeStore
	ended   chan error
	cancel  context.CancelFunc
}

// startLoop starts a loop in the bubble; it must be ended in it.
func startLoop(t *testing.T, step func(engine.Instant, engine.Event) engine.Output) *loopRig {
	j := new(journal)
	c := &testClock{boot: time.Now().Add(-time.Hour)}
	ctx, cancel := context.WithCancel(context.Background())
	r := &loopRig{journal: j, store: &fakeStore{journal: j}, ended: make(chan error, 1), cancel: cancel}
	r.inbox = newInbox(8)
	r.Loop = &Loop{
		Engine:    &scripted{journal: j, step: step},
		Store:     r.store,
		Clock:     c,
		Alarm:     newTestAlarm(c),
		Performer: &fakePerformer{j},
		Handle:    &Handle{inbox: r.inbox, replies: newReplies(), life: ctx},
		Log:       slog.New(slog.DiscardHandler),
	}
	go func() { r.ended <- r.Run(ctx, engine.Output{}) }()
	return r
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
}

func answered(ev engine.Event) engine.Output {
	return engine.Output{
		Writes:  []engine.Write{engine.Append{Event: task.Event{Kind: task.EventFired}}},
		Actions: []engine.Action{engine.Reply{Request: requestOf(ev)}, engine.Notify{Event: task.Event{Kind: task.EventFact}}},
	}
}

func TestEventsThatWaitShareOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startLoop(t, func(_ engine.Instant, ev engine.Event) engine.Output { return answered(ev) })
		synctest.Wait()
		r.inbox.mu.Lock() // the loop finds all three at once
		for range 3 {
			r.inbox.append(item{event: engine.Fire{Request: NewRequestID()}})
		}
		r.inbox.mu.Unlock()
		synctest.Wait()
		want(t, r.journal.take(),
			"step Fire", "step Fire", "step Fire",
			"commit 3",
			"publish fired", "publish fact", "publish fired", "publish fact", "publish fired", "publish fact",
			"perform Reply", "perform Reply", "perform Reply")
		r.cancel()
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
		want(t, r.journal.take(), "step HandOver", "commit 1", "publish fired", "publish fact", "perform Reply")
	})
}

func TestNothingIsPerformedWhenTheCommitFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startLoop(t, func(_ engine.Instant, ev engine.Event) engine.Output { return answered(ev) })
		r.store.err = errors.New("disk full")
		if err := r.inbox.offer(item{event: engine.Fire{}}); err != nil {
			t.Fatal(err)
		}
		err := <-r.ended
		if !errors.Is(err, r.store.err) {
			t.Errorf("run: %v, want the store's error", err)
		}
		want(t, r.journal.take(), "step Fire", "commit 1")
	})
}

func TestADefectEndsTheBrokerAfterWhatWasDecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no way from Ended to Running")
		r := startLoop(t, func(_ engine.Instant, ev engine.Event) engine.Output {
			if _, ok := ev.(engine.Cancel); ok {
				return engine.Output{Defect: broken}
			}
			return answered(ev)
		})
		r.inbox.mu.Lock()
		for _, ev := range []engine.Event{engine.Fire{}, engine.Cancel{Request: NewRequestID()}, engine.Raise{}} {
			r.inbox.append(item{event: ev})
		}
		r.inbox.append(item{query: func(engine.Instant) { r.journal.add("query after what was not done") }})
		r.inbox.mu.Unlock()
		err := <-r.ended
		if !errors.Is(err, broken) || !errors.Is(err, task.ErrInternal) {
			t.Errorf("run: %v", err)
		}
		want(t, r.journal.take(), "step Fire", "step Cancel", "commit 1", "publish fired", "publish fact", "perform Reply", "perform Reply")
	})
}

func TestTheTimerIsSetForWhatTheLastStepAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ticks []time.Duration
		r := startLoop(t, func(now engine.Instant, ev engine.Event) engine.Output {
			if _, ok := ev.(engine.Tick); ok {
				ticks = append(ticks, now.Boot)
				return engine.Output{}
			}
			return engine.Output{Wake: now.Boot + time.Hour}
		})
		for range 2 {
			r.inbox.report(engine.FactsReported{Source: "test"})
			time.Sleep(time.Minute)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if want := []time.Duration{time.Minute + 2*time.Hour}; !slices.Equal(ticks, want) {
			t.Errorf("ticks at %v, want %v", ticks, want)
		}
		r.cancel()
		<-r.ended
	})
}

func TestWhatIsDueAtOnceLetsTheInboxGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rest := 3
		var r *loopRig
		r = startLoop(t, func(now engine.Instant, ev engine.Event) engine.Output {
			if _, ok := ev.(engine.Tick); ok {
				rest--
			}
			if rest == 0 {
				return engine.Output{}
			}
			if _, ok := ev.(engine.Fire); ok { // a source reports meanwhile
				r.inbox.report(engine.FactsReported{Source: "test"})
			}
			return engine.Output{Wake: now.Boot}
		})
		r.inbox.push(item{event: engine.Fire{}})
		synctest.Wait()
		want(t, r.journal.take(), "step Fire", "step FactsReported", "step Tick", "step Tick", "step Tick")
		r.cancel()
		<-r.ended
	})
}

func TestQueriesSeeWhatIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startLoop(t, func(_ engine.Instant, ev engine.Event) engine.Output { return answered(ev) })
		synctest.Wait()
		r.inbox.mu.Lock()
		r.inbox.append(item{query: func(engine.Instant) { r.journal.add("query") }})
		r.inbox.append(item{event: engine.Fire{}})
		r.inbox.mu.Unlock()
		synctest.Wait()
		want(t, r.journal.take(), "step Fire", "commit 1", "publish fired", "publish fact", "perform Reply", "query")
		r.cancel()
		<-r.ended
	})
}

func TestStopEndsTheLoopAfterItsReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startLoop(t, func(_ engine.Instant, ev engine.Event) engine.Output {
			out := answered(ev)
			out.Actions = append([]engine.Action{engine.Stop{}}, out.Actions...)
			return out
		})
		r.inbox.push(item{event: engine.StopAll{}})
		if err := <-r.ended; err != nil {
			t.Error(err)
		}
		want(t, r.journal.take(), "step StopAll", "commit 1", "publish fired", "publish fact", "perform Reply")
	})
}
