// Instants that come due: the points of a grid, and those of a calendar (SEMANTICS
// section 2). Every instant is either fired or recorded as missed; none is dropped
// silently, and a grid never drifts. An instant that is seen more than task.LateBy late
// is missed, and the misfire policy decides which missed ones fire after all. Since a
// machine may have slept for a year, missed instants are handled as a range: the work
// is bounded by what the policy can fire, not by how many were missed.

package engine

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// timeZero is the zero time, which means that there is none.
var timeZero time.Time

// mostCounted bounds the counting of missed calendar instants; beyond it the record
// says "or more".
const mostCounted = 1000

// freshness returns the interval of a grid; 0 if the trigger has none.
func freshness(t task.Trigger) time.Duration {
	switch t := t.(type) {
	case task.TimeTrigger:
		return t.Freshness
	case task.MaintenanceTrigger:
		return t.Freshness
	}
	return 0
}

// instants are the instants of one registration that have come since the last look,
// divided into missed and in time.
type instants struct {
	missed  task.Missed
	last    time.Time     // the latest missed one
	latest  []time.Time   // the latest missed ones, as many as RunAll may fire
	inTime  []time.Time   // those at most LateBy late, oldest first
	catchUp time.Duration // elapsed; missed ones do not start before
}

// fireDue fires or records every instant that has come, and moves the next one strictly
// into the future.
func (e *Engine) fireDue(r *reg) {
	if !e.armed(r) {
		return
	}
	var due instants
	switch {
	case r.Next > 0 && r.Next <= e.clock.elapsed:
		due = e.gridInstants(r)
	case !r.NextWall.IsZero() && !e.now.Wall.Before(r.NextWall):
		due = e.calendarInstants(r)
	default:
		return
	}
	e.markLedger(r)
	if task.OneShot(r.Spec.Trigger) {
		r.Disarmed = true // even if the instant is only recorded as missed
	}
	e.fireMissed(r, due)
	for _, at := range due.inTime {
		e.fireInTime(r, at)
	}
}

// gridInstants returns the grid points up to now. The next point is a whole number of
// intervals after the last one, so the grid never drifts.
func (e *Engine) gridInstants(r *reg) instants {
	f, now := freshness(r.Spec.Trigger), e.clock.elapsed
	first := r.Next
	n := (now-first)/f + 1
	if task.OneShot(r.Spec.Trigger) {
		n = 1
	}
	r.Next = first + n*f
	// The points are first, first+f, ..., all up to now. Those strictly more than LateBy
	// ago are late; rounding up leaves a point that is exactly LateBy old in time.
	late := (now - task.LateBy - first + f - 1) / f
	late = min(max(late, 0), n)
	var due instants
	for i := late; i < n; i++ {
		due.inTime = append(due.inTime, e.wallAt(first+i*f))
	}
	if late == 0 {
		return due
	}
	last := first + (late-1)*f
	cause, g := e.clock.missCause(last)
	due.missed = task.Missed{First: e.wallAt(first), Last: e.wallAt(last), Count: int(late), Cause: cause}
	due.last = due.missed.Last
	for i := max(0, late-task.MaxRunAll-1); i < late; i++ {
		due.latest = append(due.latest, e.wallAt(first+i*f))
	}
	due.catchUp = e.catchUp(r, cause, g)
	return due
}

// catchUp returns when instants that were missed while the machine was away may start.
// They are spread out, so that resuming does not start everything in the same second;
// the spread depends only on the TaskID.
func (e *Engine) catchUp(r *reg, cause task.MissCause, g gap) time.Duration {
	if cause != task.MissedAsleep && cause != task.MissedPoweredOff {
		return 0
	}
	share := time.Duration(jitter(r.id(), 0, 0) * float64(task.CatchUpSpread))
	return g.to + task.CatchUpSettle + share
}

// calendarInstants returns the calendar instants up to now, and moves the next one into
// the future.
func (e *Engine) calendarInstants(r *reg) instants {
	zone := e.zoneOf(r)
	var due instants
	var latest []time.Time
	count, more := 0, false
	at := r.NextWall
	for ok := true; ok && !at.After(e.now.Wall); at, ok = nextAfter(r, zone, at) {
		r.writeCold().LastWall = at
		if e.now.Wall.Sub(at) <= task.LateBy {
			due.inTime = append(due.inTime, at)
			continue
		}
		switch {
		case count < mostCounted:
			count++
		// Beyond the limit, one jump leads close to the latest instants, which may fire.
		case !more:
			count++
			more, at = true, e.skipTo(r, zone, at)
		}
		latest = append(latest, at)
		if len(latest) > task.MaxRunAll+1 {
			latest = latest[1:]
		}
	}
	if len(latest) > 0 {
		last := latest[len(latest)-1]
		cause, g := e.clock.missCauseWall(last)
		due.missed = task.Missed{First: r.NextWall, Last: last, Count: count, More: more, Cause: cause}
		due.last, due.latest = last, latest
		due.catchUp = e.catchUp(r, cause, g)
	}
	e.nextInstant(r)
	return due
}

// nextAfter returns the instant after at. A one-shot has none.
func nextAfter(r *reg, zone *time.Location, at time.Time) (time.Time, bool) {
	if task.OneShot(r.Spec.Trigger) {
		return timeZero, false
	}
	return r.calendar.Next(at, zone)
}

// skipTo jumps from at to a point that leaves about as many missed instants as RunAll
// may fire, so that a year of minutes is not counted one by one.
func (e *Engine) skipTo(r *reg, zone *time.Location, at time.Time) time.Time {
	late := e.now.Wall.Add(-task.LateBy)
	for back := time.Hour; ; back *= 2 {
		from := late.Add(-back)
		if !from.After(at) {
			return at
		}
		first, ok := r.calendar.Next(from, zone)
		n := 0
		for next := first; ok && next.Before(late); next, ok = r.calendar.Next(next, zone) {
			if n++; n > task.MaxRunAll {
				return first
			}
		}
	}
}

// fireMissed fires missed instants as the misfire policy says, and records those that
// do not fire.
func (e *Engine) fireMissed(r *reg, due instants) {
	if due.missed.Count == 0 {
		return
	}
	m := due.missed
	switch policy := r.Spec.Misfire; policy.Policy {
	case task.Skip:
		e.recordMissed(r, m)
	case task.RunAll:
		n := min(max(policy.Max, 1), len(due.latest))
		fires := due.latest[len(due.latest)-n:]
		if m.Count -= n; m.Count > 0 || m.More {
			if before := len(due.latest) - n - 1; before >= 0 {
				m.Last = due.latest[before]
			}
			e.recordMissed(r, m)
		}
		for _, at := range fires {
			e.fire(r, firing{by: timedBy(r), due: at, catchUp: due.catchUp, apart: true})
		}
	default:
		// The latest one fires, so it is not missed; the record names the firing that
		// makes up for the others.
		m.Count--
		m.MadeUp = r.Firing + 1
		if m.Count > 0 || m.More {
			m.Last = due.latest[len(due.latest)-2]
			e.recordMissed(r, m)
		}
		e.fire(r, firing{by: timedBy(r), due: due.last, missed: m.Count, catchUp: due.catchUp})
	}
}

// fireInTime fires an instant that was seen in time. Under Skip, it is missed if an
// occurrence is pending or live.
func (e *Engine) fireInTime(r *reg, at time.Time) {
	if r.Spec.Misfire.Policy == task.Skip {
		cause, missed := task.MissedHeld, len(r.pending) > 0
		switch {
		case r.State == RegSuspended:
			cause, missed = task.MissedSuspended, true
		case !missed && r.live != nil:
			cause, missed = task.MissedOverlap, true
		}
		if missed {
			e.recordMissed(r, task.Missed{First: at, Last: at, Count: 1, Cause: cause})
			return
		}
	}
	e.fire(r, firing{by: timedBy(r), due: at})
}

// recordMissed records a range of missed instants in history.
func (e *Engine) recordMissed(r *reg, m task.Missed) {
	r.writeCold().Counts.Missed += m.Count
	e.markLedger(r)
	e.emit(r, task.Event{Kind: task.EventMissed, Missed: &m})
}

// timedBy says whether a timer or a calendar fires r.
func timedBy(r *reg) FiredBy {
	if r.calendar != nil {
		return ByCalendar
	}
	return ByTimer
}

// nextDue returns the next grid point; 0 if there is none or the trigger cannot fire.
func (e *Engine) nextDue(r *reg) time.Duration {
	if !e.armed(r) {
		return 0
	}
	return r.Next
}

// zoneOf returns the zone of r's calendar: its named zone, or the machine's.
func (e *Engine) zoneOf(r *reg) *time.Location {
	if r.zone != nil {
		return r.zone
	}
	return e.now.Wall.Location()
}

// nextInstant sets the calendar's next instant: strictly after now, and after the last
// one that came.
func (e *Engine) nextInstant(r *reg) {
	if r.calendar == nil {
		return
	}
	after := e.now.Wall
	if r.LastWall.After(after) {
		after = r.LastWall
	}
	at, ok := r.calendar.Next(after, e.zoneOf(r))
	if !ok {
		at = timeZero
	}
	r.writeCold().NextWall = at
}

// calendarsStepped handles a step of the wall clock. An instant that has come does not
// come again, unless the clock was set back by more than a day; a correction of an hour
// must not run a nightly task twice.
func (e *Engine) calendarsStepped(step time.Duration) {
	if step >= -24*time.Hour {
		return // forward: what is due now fires; back: the next instant stays
	}
	for r := range e.calendars() {
		r.writeCold().LastWall = timeZero
	}
	e.recompute(func(*reg) bool { return true })
}

// zoneChanged recomputes the calendars without a named zone, which follow the
// machine's.
func (e *Engine) zoneChanged() { e.recompute(func(r *reg) bool { return r.zone == nil }) }

// recompute sets the next instants of the registrations that which selects. An instant
// that is already due is left to fire.
func (e *Engine) recompute(which func(*reg) bool) {
	for _, r := range e.calendars().sorted() {
		isDue := !r.NextWall.IsZero() && !r.NextWall.After(e.now.Wall)
		if which(r) && e.armed(r) && !isDue {
			e.nextInstant(r)
			e.markLedger(r)
			e.touch(r)
		}
	}
}

// calendars returns the registrations with a calendar.
func (e *Engine) calendars() regSet {
	s := regSet{}
	for _, r := range e.regs {
		if r.calendar != nil {
			s[r] = struct{}{}
		}
	}
	return s
}
