// The end of a step: what changed becomes the Output. A record is written once, in its
// final state, however often the step changed it. Events that users see are completed
// here too, so that every event of a step shows the state at its end.

package engine

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// stored is something with its own row. It is written once, at the end of the step.
type stored interface {
	dirtyBit() *bool
	write() Write // nil: it was never stored and is gone
}

// mark makes s be written at the end of the step.
func (e *Engine) mark(s stored) {
	if bit := s.dirtyBit(); !*bit {
		*bit = true
		e.dirty = append(e.dirty, s)
	}
}

// entry is an event that waits for the end of the step, to be sent with the state that
// its task has then.
type entry struct {
	reg       *reg
	event     task.Event
	transient bool // sent to watchers, not stored
}

// emit appends an event to history.
func (e *Engine) emit(r *reg, ev task.Event) { e.history = append(e.history, entry{reg: r, event: ev}) }

// notify sends an event to watchers without storing it.
func (e *Engine) notify(r *reg, ev task.Event) {
	e.history = append(e.history, entry{reg: r, event: ev, transient: true})
}

// flush returns the Output of the step and prepares the engine for the next one.
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
		c := &e.clock
		c.Elapsed, c.Wall, c.Boot = c.elapsed, e.lastGoodWall(), e.now.ID
		e.out.Writes = append(e.out.Writes, Put{c.Clock})
	}
	e.out.Actions = append(e.out.Actions, notes...)
	e.out.Wake = e.wake()
	out := e.out
	e.out, e.dirty, e.history, e.touched = Output{}, reuse(e.dirty), reuse(e.history), reuse(e.touched)
	return out
}

// lastGoodWall returns the wall time to store. While the clock is known to be behind,
// the last good time continues.
func (e *Engine) lastGoodWall() time.Time {
	if e.clock.Behind {
		return e.clock.Wall.Add(e.clock.elapsed - e.clock.Elapsed)
	}
	return e.now.Wall
}

// complete adds to an event what all events have: the time, the task and its state.
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

// notifyChanges notifies watchers of every touched registration that looks different
// now, unless another event of this step already shows it.
func (e *Engine) notifyChanges() {
	reported := make(map[*reg]bool, len(e.history))
	for _, en := range e.history {
		reported[en.reg] = true
	}
	for _, r := range e.touched {
		r.isTouched = false
		shown := e.appearanceOf(r)
		if shown != r.shown && r.shown.known && !reported[r] && r.State != RegGone {
			e.notify(r, task.Event{Kind: task.EventChanged})
		}
		r.shown = shown
	}
}

// mostReused bounds the capacity that is kept for the next step, so that one large step
// does not keep its memory forever.
const mostReused = 4096

func reuse[T any](s []T) []T {
	if cap(s) > mostReused {
		return nil
	}
	clear(s)
	return s[:0]
}
