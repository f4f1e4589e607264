//go:build linux

package broker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// stepper is the engine as the loop sees it.
type stepper interface {
	Step(now engine.Instant, ev engine.Event) engine.Output
}

// committer makes writes durable, all of them or none.
type committer interface {
	Commit(ctx context.Context, writes []engine.Write) error
}

// clocks reads the machine's clocks.
type clocks interface {
	Now() engine.Instant
}

// alarm rings once when CLOCK_BOOTTIME has reached what was set; zero is never.
// It also rings when the wall clock was set.
type alarm interface {
	Set(at time.Duration) error
	C() <-chan struct{}
}

// performer does what the engine asks for. It never waits for a peer.
type performer interface {
	tell(events []task.Event) // to those who watch, in order
	perform(action engine.Action)
}

// loop is all the concurrency that the engine has.
type loop struct {
	engine stepper
	store  committer
	clock  clocks
	alarm  alarm
	inbox  *inbox
	shell  performer
	log    *slog.Logger
}

// work is what one round has gathered.
type work struct {
	writes  []engine.Write
	events  []task.Event // stored and not stored, in their order
	actions []engine.Action
	wake    time.Duration
	stepped bool // wake is known
	queries []func(engine.Instant)
	stop    bool  // the engine asked for the end
	err     error // the engine refused an event
}

// run owns the engine until ctx ends (then it hands over), the engine asks to
// stop, or something is broken. It begins with what Restore asked for.
func (l *loop) run(ctx context.Context, restored engine.Output) error {
	first := work{}
	first.add(restored)
	over, err := l.finish(ctx, first)
	for !over && err == nil {
		over, err = l.round(ctx)
	}
	return err
}

// round waits for something to do and does it.
func (l *loop) round(ctx context.Context) (over bool, err error) {
	select {
	case <-l.inbox.ready:
		return l.handle(ctx, l.inbox.take(task.MaxEventsPerCommit))
	case <-l.alarm.C():
		items := l.inbox.take(task.MaxEventsPerCommit)
		return l.handle(ctx, append(items, item{event: engine.Tick{}}))
	case <-ctx.Done():
		items := l.inbox.take(task.MaxEventsPerCommit)
		_, err := l.handle(ctx, append(items, item{event: engine.HandOver{}}))
		return true, err
	}
}

// handle steps the events, commits, performs and answers.
func (l *loop) handle(ctx context.Context, items []item) (over bool, err error) {
	now := l.clock.Now()
	var w work
	for _, it := range items {
		if it.taken != nil {
			it.taken()
		}
		if w.err != nil {
			continue // the engine is not asked again after a defect
		}
		if it.query != nil {
			w.queries = append(w.queries, it.query)
			continue
		}
		out := l.engine.Step(now, it.event)
		w.add(out)
		if out.Defect != nil {
			l.defect(&w, it.event, out.Defect)
		}
	}
	return l.finish(ctx, w)
}

func (w *work) add(out engine.Output) {
	w.writes = append(w.writes, out.Writes...)
	for _, write := range out.Writes {
		if a, ok := write.(engine.Append); ok {
			w.events = append(w.events, a.Event)
		}
	}
	for _, action := range out.Actions {
		switch a := action.(type) {
		case engine.Notify: // it has the number of the last event before it
			at, _ := slices.BinarySearchFunc(w.events, a.Event.Seq+1, func(ev task.Event, seq uint64) int { return cmp.Compare(ev.Seq, seq) })
			w.events = slices.Insert(w.events, at, a.Event)
		case engine.Stop:
			w.stop = true
		default:
			w.actions = append(w.actions, a)
		}
	}
	w.wake, w.stepped = out.Wake, true
}

// defect notes that the engine found itself broken; who asked is told.
func (l *loop) defect(w *work, ev engine.Event, defect error) {
	l.log.Error("the engine refused an event: this is a defect of bgtask", "event", fmt.Sprintf("%T", ev), "id", eventID(ev), "err", defect)
	w.err = fmt.Errorf("%w: %T: %w; please report it, the broker loads its state anew when it is started again", task.ErrInternal, ev, defect)
	if id := eventID(ev); !id.IsZero() {
		w.actions = append(w.actions, engine.Reply{Request: id, Answer: engine.Answer{
			Request: id, Code: task.Code(task.ErrInternal), Detail: defect.Error(), Hint: "please report this; the broker's log has the event",
		}})
	}
}

// finish commits, and only then performs, answers and arms the timer.
func (l *loop) finish(ctx context.Context, w work) (over bool, err error) {
	if len(w.writes) > 0 {
		// A hand-over ends ctx; what was decided is written all the same.
		if err := l.store.Commit(context.WithoutCancel(ctx), w.writes); err != nil {
			return true, fmt.Errorf("the state cannot be written, so the broker ends: %w", err)
		}
	}
	if len(w.events) > 0 {
		l.shell.tell(w.events)
	}
	for _, a := range w.actions {
		l.shell.perform(a)
	}
	now := l.clock.Now()
	for _, q := range w.queries {
		q(now)
	}
	if w.err != nil || w.stop {
		return true, w.err
	}
	return false, l.arm(now, w)
}

// arm sets the timer; what is due already goes behind what waits in the inbox.
func (l *loop) arm(now engine.Instant, w work) error {
	if !w.stepped {
		return nil
	}
	if w.wake != 0 && w.wake <= now.Boot {
		l.inbox.urge(engine.Tick{})
		w.wake = 0
	}
	return l.alarm.Set(w.wake)
}
