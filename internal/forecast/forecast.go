// The loop of a simulation: the next thing that comes is a turn of the script, the end
// of a run, or a wake of the engine. The limits are checked only between instants, so
// that an answer that ends early ends at a complete instant.

package forecast

import (
	"fmt"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// source is the source of facts that the script sets.
const source = "simulation"

// forecast is a simulation under way.
type forecast struct {
	q       Question
	e       *engine.Engine
	began   time.Time
	now     engine.Instant
	end     time.Duration // on the boot clock, as wake
	wake    time.Duration // 0: none
	inbox   []engine.Event
	script  []turn
	ends    ends
	lasting map[task.GUID]lasting
	begun   uint64        // number of processes started
	started time.Duration // the last instant at which something happened
	steps   int
	book    *book
	stopped string // why the simulation ended early; "": it did not
	err     error
}

// Run answers a question as of now. It uses up the fork.
func Run(fork *engine.Engine, now engine.Instant, q Question) (task.Simulation, error) {
	if err := q.Check(now.Wall); err != nil {
		return task.Simulation{}, err
	}
	if q.From.Before(now.Wall) {
		q.From = now.Wall
	}
	zone := now.Wall.Location()
	q.From, q.Until = q.From.In(zone), q.Until.In(zone)
	f := &forecast{q: q, e: fork, began: now.Wall, now: now, end: now.Boot + q.Until.Sub(now.Wall), lasting: map[task.GUID]lasting{}}
	f.book = newBook(f, fork.Tasks(now, engine.Filter{All: true}))
	facts := fork.Facts(now)
	f.deliver(engine.Tick{})
	f.settleSources()
	f.settleProcesses()
	f.takeFacts(facts)
	f.drain()
	for f.round() {
	}
	return f.book.simulation(facts), f.err
}

// round does what comes next, at one instant. It returns false if nothing comes before
// the end, or if a limit is reached; then the instant is completed and no other
// follows.
func (f *forecast) round() bool {
	if f.err != nil {
		return false
	}
	at, ok := f.next()
	if !ok || at > f.end {
		at = f.end
	}
	f.passTo(at)
	if at >= f.end || f.stopped != "" && f.started < at {
		return false
	}
	f.started = at
	switch {
	case len(f.script) > 0 && !f.script[0].at.After(f.now.Wall):
		f.deliver(engine.FactsReported{Source: source, Facts: f.script[0].facts})
		f.script = f.script[1:]
	case f.ends.due(f.now.Boot):
		f.finish()
	default:
		f.deliver(engine.Tick{})
	}
	f.drain()
	return true
}

// next returns when the next thing comes: a turn of the script, the end of a run, or a
// wake of the engine.
func (f *forecast) next() (at time.Duration, ok bool) {
	earliest := func(t time.Duration) {
		if !ok || t < at {
			at, ok = max(t, f.now.Boot), true
		}
	}
	if len(f.script) > 0 {
		earliest(f.now.Boot + f.script[0].at.Sub(f.now.Wall))
	}
	if end, some := f.ends.first(); some {
		earliest(end)
	}
	if f.wake != 0 {
		earliest(f.wake)
	}
	return at, ok
}

// passTo lets time pass. The reasons at the end of an instant are the ones that count.
func (f *forecast) passTo(boot time.Duration) {
	d := boot - f.now.Boot
	if d <= 0 {
		return
	}
	f.book.instantOver()
	f.now.Wall, f.now.Boot, f.now.Awake = f.now.Wall.Add(d), f.now.Boot+d, f.now.Awake+d
}

func (f *forecast) deliver(ev engine.Event) { f.inbox = append(f.inbox, ev) }

// drain steps everything that happens at this instant and that follows from it
// immediately.
func (f *forecast) drain() {
	for len(f.inbox) > 0 && f.err == nil {
		ev := f.inbox[0]
		f.inbox = f.inbox[1:]
		f.step(ev)
	}
}

// askedEvery is the number of steps between two checks whether the answer is still
// wanted.
const askedEvery = 256

func (f *forecast) step(ev engine.Event) {
	switch f.steps++; {
	case f.steps > 2*task.MaxSimulationSteps:
		f.err = fmt.Errorf("%w: a simulated instant does not end", task.ErrInternal)
		return
	case f.steps > task.MaxSimulationSteps:
		f.stopped = fmt.Sprintf("more happens than the %d steps that a simulation may take", task.MaxSimulationSteps)
	}
	if f.steps%askedEvery == 0 && f.q.Over != nil {
		if f.err = f.q.Over(); f.err != nil {
			return
		}
	}
	out := f.e.Step(f.now, ev)
	if out.Defect != nil {
		f.err = fmt.Errorf("%w: simulated %T: %w", task.ErrInternal, ev, out.Defect)
		return
	}
	f.wake = out.Wake
	for _, w := range out.Writes {
		if a, ok := w.(engine.Append); ok {
			f.book.note(a.Event)
		}
	}
	for _, a := range out.Actions {
		f.perform(a)
	}
}
