//go:build linux

package loop

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

// Engine is the engine as the loop uses it.
type Engine interface {
	Step(now engine.Instant, ev engine.Event) engine.Output
	State
}

// Committer makes writes durable, all of them or none.
type Committer interface {
	Commit(ctx context.Context, writes []engine.Write) error
}

// Clock reads the machine's clocks.
type Clock interface {
	Now() engine.Instant
}

// Alarm rings once when CLOCK_BOOTTIME has reached what was set; zero is never. It
// also rings when the wall clock was set.
type Alarm interface {
	Set(at time.Duration) error
	C() <-chan struct{}
}

// Performer does what the engine asks for. Its methods are called on the loop and never
// wait for a peer.
type Performer interface {
	Publish(events []task.Event) // in order; what is stored is committed
	Perform(action engine.Action)
}

// Loop steps the engine. All its fields have to be set.
type Loop struct {
	Engine    Engine
	Store     Committer
	Clock     Clock
	Alarm     Alarm
	Performer Performer
	Handle    *Handle
	Log       *slog.Logger
}

// work is what one round has gathered.
type work struct {
	writes  []engine.Write
	events  []task.Event // stored and not stored, in their order
	actions []engine.Action
	wake    time.Duration
	stepped bool // wake is known
	queries []func(engine.Instant)
	stop    bool  // the engine asked to stop
	err     error // the engine reported a defect
}

// Run owns the engine until ctx ends (it then hands over), until the engine asks to
// stop, or until something is broken. It begins with what Restore asked for.
func (l *Loop) Run(ctx context.Context, restored engine.Output) error {
	l.Handle.state = l.Engine
	first := work{}
	first.add(restored)
	over, err := l.finish(ctx, first)
	for !over && err == nil {
		over, err = l.round(ctx)
	}
	return err
}

// round waits for something to do and does it.
func (l *Loop) round(ctx context.Context) (over bool, err error) {
	inbox := l.Handle.inbox
	select {
	case <-inbox.ready:
		return l.handle(ctx, inbox.take(task.MaxEventsPerCommit))
	case <-l.Alarm.C():
		items := inbox.take(task.MaxEventsPerCommit)
		return l.handle(ctx, append(items, item{event: engine.Tick{}}))
	case <-ctx.Done():
		items := inbox.take(task.MaxEventsPerCommit)
		_, err := l.handle(ctx, append(items, item{event: engine.HandOver{}}))
		return true, err
	}
}

// handle steps the events, commits, performs and answers.
func (l *Loop) handle(ctx context.Context, items []item) (over bool, err error) {
	now := l.Clock.Now()
	var w work
	for _, it := range items {
		if it.taken != nil {
			it.taken()
		}
		if w.err != nil {
			continue // after a defect the engine takes no more steps
		}
		if it.query != nil {
			w.queries = append(w.queries, it.query)
			continue
		}
		out := l.Engine.Step(now, it.event)
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

// defect records that the engine reported an invariant violation; the caller of the
// request gets an error.
func (l *Loop) defect(w *work, ev engine.Event, defect error) {
	l.Log.Error("the engine reported an invariant violation; this is a bug in bgtask, please report it", "event", fmt.Sprintf("%T", ev), "id", requestOf(ev), "err", defect)
	w.err = fmt.Errorf("%w: %T: %w; this is a bug in bgtask, please report it; the broker reloads its state when it is started again", task.ErrInternal, ev, defect)
	if id := requestOf(ev); !id.IsZero() {
		w.actions = append(w.actions, engine.Reply{Request: id, Answer: engine.Answer{
			Request: id, Code: task.Code(task.ErrInternal), Detail: defect.Error(), Hint: "please report this; the event is in the broker's log",
		}})
	}
}

// finish commits, and only then performs, answers and arms the timer.
func (l *Loop) finish(ctx context.Context, w work) (over bool, err error) {
	if len(w.writes) > 0 {
		// A hand-over ends ctx; what was decided is written all the same.
		if err := l.Store.Commit(context.WithoutCancel(ctx), w.writes); err != nil {
			return true, fmt.Errorf("the broker ends because it cannot write its state: %w", err)
		}
	}
	if len(w.events) > 0 {
		l.Performer.Publish(w.events)
	}
	for _, a := range w.actions {
		l.Performer.Perform(a)
	}
	now := l.Clock.Now()
	for _, q := range w.queries {
		q(now)
	}
	if w.err != nil || w.stop {
		return true, w.err
	}
	return false, l.arm(now, w)
}

// arm sets the timer. If it is due already, a Tick goes behind what waits in the inbox.
func (l *Loop) arm(now engine.Instant, w work) error {
	if !w.stepped {
		return nil
	}
	if w.wake != 0 && w.wake <= now.Boot {
		l.Handle.Urge(engine.Tick{})
		w.wake = 0
	}
	return l.Alarm.Set(w.wake)
}
