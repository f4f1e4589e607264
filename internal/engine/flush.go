package engine

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// stored is something with a row of its own. What changed in a step is written
// once, at its end, as it is then.
type stored interface {
	dirtyBit() *bool
	write() Write // nil: it never was stored and is gone
}

func (e *Engine) mark(s stored) {
	if bit := s.dirtyBit(); !*bit {
		*bit = true
		e.dirty = append(e.dirty, s)
	}
}

// entry is an event that waits for the end of the step, to be told with the state
// that its task has then.
type entry struct {
	reg       *reg
	event     task.Event
	transient bool // not stored
}

// tell appends an event to history.
func (e *Engine) emit(r *reg, ev task.Event) { e.history = append(e.history, entry{reg: r, event: ev}) }

// notify tells watchers only.
func (e *Engine) notify(r *reg, ev task.Event) {
	e.history = append(e.history, entry{reg: r, event: ev, transient: true})
}

func (e *Engine) flush() Output {
	e.notifyChanges()
	for _, s := range e.dirty {
		*s.dirtyBit() = false
		if w := s.write(); w != nil {
			e.out.Writes = append(e.out.Writes, w)
		}
	}
	var notes []Action
	for i := range e.history {
		ev := e.complete(e.history[i])
		if e.history[i].transient {
			ev.Seq = e.seq
			notes = append(notes, Notify{ev})
			continue
		}
		e.seq++
		ev.Seq = e.seq
		e.out.Writes = append(e.out.Writes, Append{ev})
	}
	if len(e.out.Writes) > 0 {
		e.clock.Clock.Elapsed, e.clock.Clock.Wall, e.clock.Boot = e.clock.elapsed, e.lastGoodWall(), e.now.ID
		e.out.Writes = append(e.out.Writes, Put{e.clock.Clock})
	}
	e.out.Actions = append(e.out.Actions, notes...)
	e.out.Wake = e.wake()
	out := e.out
	e.out, e.dirty, e.history, e.touched = Output{}, reuse(e.dirty), reuse(e.history), reuse(e.touched)
	return out
}

// lastGoodWall is the wall time to store: while the clock is known to be behind,
// the one stored before stays.
func (e *Engine) lastGoodWall() time.Time {
	if e.clock.Behind {
		return e.clock.Clock.Wall.Add(e.clock.elapsed - e.clock.Clock.Elapsed)
	}
	return e.now.Wall
}

func (e *Engine) complete(en entry) task.Event {
	ev := en.event
	ev.Time, ev.Boot, ev.BootTime = e.now.Wall, e.now.ID, e.now.Boot
	if r := en.reg; r != nil {
		ev.TaskID, ev.Package, ev.Name = r.id(), r.pack.Family, r.Spec.Name
		if ev.State == nil && ev.Kind != task.EventUnregistered {
			s := e.state(r)
			if ev.Run != nil {
				s.Run = nil
			}
			ev.State = &s
		}
	}
	return ev
}

// notifyChanges notifies watchers of every touched registration whose state looks
// different now and that no other event of this step tells of.
func (e *Engine) notifyChanges() {
	told := make(map[*reg]bool, len(e.history))
	for _, en := range e.history {
		told[en.reg] = true
	}
	for _, r := range e.touched {
		r.isTouched = false
		shown := e.look(r)
		if shown != r.shown && r.shown.known && !told[r] && r.State != RegGone {
			e.notify(r, task.Event{Kind: task.EventChanged})
		}
		r.shown = shown
	}
}

// mostReused bounds the memory that a step of many registrations leaves behind.
const mostReused = 4096

func reuse[T any](s []T) []T {
	if cap(s) > mostReused {
		return nil
	}
	clear(s)
	return s[:0]
}
