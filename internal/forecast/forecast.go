package forecast

import (
	"fmt"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// source is what facts of the script are from.
const source = "simulation"

// forecast is one simulation under way.
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
	begun   uint64        // processes
	started time.Duration // the last instant at which something happened
	steps   int
	book    *book
	stopped string // why no other instant follows; "": they do
	err     error
}

// Run asks a fork of the engine, which is used up by it, as of now.
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

// round does what comes next, at one instant; false when nothing comes before the end,
// or too much has happened: then the instant is done to its end, and no other follows.
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

// next is when the next thing comes: a turn of the script, the end of a run, or what
// the engine waits for.
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

// passTo lets time pass. What is waited for at the end of an instant is what counts.
func (f *forecast) passTo(boot time.Duration) {
	d := boot - f.now.Boot
	if d <= 0 {
		return
	}
	f.book.instantOver()
	f.now.Wall, f.now.Boot, f.now.Awake = f.now.Wall.Add(d), f.now.Boot+d, f.now.Awake+d
}

func (f *forecast) deliver(ev engine.Event) { f.inbox = append(f.inbox, ev) }

// drain steps what happens at this instant, and what follows from it at once.
func (f *forecast) drain() {
	for len(f.inbox) > 0 && f.err == nil {
		ev := f.inbox[0]
		f.inbox = f.inbox[1:]
		f.step(ev)
	}
}

// askedEvery is after how many steps is asked whether anybody still waits.
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
