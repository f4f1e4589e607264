// Elapsed time (SEMANTICS section 2, "Three clocks"). Grids, holds and back-offs count
// time that goes on through sleep, power-off and steps of the wall clock; the machine
// has no such clock, so the engine keeps one: CLOCK_BOOTTIME within a boot, and over a
// reboot the difference of the wall clock, never below zero. The engine also keeps the
// last gaps, spans in which no broker looked, to say later why an instant was missed.

package engine

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// stepNoticed is the smallest jump of the wall clock that counts as a step, and the
// smallest sleep that counts as one. Smaller differences between two clocks are noise.
const stepNoticed = time.Second

// clock turns readings of the machine's clocks into elapsed time.
type clock struct {
	Clock
	isDirty bool
	elapsed time.Duration // now
	gaps    []gap         // the last ones, oldest first
}

// gap is a span of elapsed time in which no broker was awake to see a deadline.
type gap struct {
	from, to time.Duration
	wallFrom time.Time
	wallTo   time.Time
	cause    task.MissCause
}

// gapsKept is the number of gaps that are kept to explain missed instants.
const gapsKept = 8

func (c *clock) dirtyBit() *bool { return &c.isDirty }
func (c *clock) write() Write    { return Put{c.Clock} }

// observe takes a new reading. Time never goes back: an older reading than the last one
// counts as the last one.
func (e *Engine) observe(now Instant) {
	last := e.now
	now.Boot, now.Awake = max(now.Boot, last.Boot), max(now.Awake, last.Awake)
	e.now = now
	e.clock.elapsed = e.clock.Base + now.Boot
	// CLOCK_BOOTTIME counts sleep and CLOCK_MONOTONIC does not: the difference is the
	// sleep. The wall clock counts sleep too, so what it moved beyond boot time is a step.
	boot, awake := now.Boot-last.Boot, now.Awake-last.Awake
	step := now.Wall.Sub(last.Wall) - boot
	if slept := boot - awake; slept >= stepNoticed {
		e.slept(last, slept)
	}
	if step >= stepNoticed || step <= -stepNoticed {
		e.clockStepped(last, step)
	}
	if !sameZone(last.Wall, now.Wall) {
		e.zoneChanged()
	}
}

func sameZone(a, b time.Time) bool { return a.Location().String() == b.Location().String() }

// slept records that the machine slept. Elapsed time has counted the sleep already.
func (e *Engine) slept(last Instant, d time.Duration) {
	from := e.clock.Base + last.Boot
	e.clock.gap(gap{from: from, to: e.clock.elapsed, wallFrom: last.Wall, wallTo: e.now.Wall, cause: task.MissedAsleep})
	e.clockEvent("the machine slept for " + d.Round(time.Second).String())
}

// clockStepped handles a step of the wall clock, which moves only calendars. One
// exception: the first forward step of a boot whose clock was behind shows how long the
// machine was off, and counts as elapsed time.
func (e *Engine) clockStepped(last Instant, step time.Duration) {
	c := &e.clock
	if c.Behind && step > 0 {
		from, wallFrom := c.elapsed, c.Wall
		c.correct(e.now.Wall.Sub(c.Wall) - (c.elapsed - c.Elapsed))
		c.elapsed = c.Base + e.now.Boot
		c.gap(gap{from: from, to: c.elapsed, wallFrom: wallFrom, wallTo: e.now.Wall, cause: task.MissedPoweredOff})
	} else if step > 0 {
		c.gap(gap{from: c.elapsed, to: c.elapsed, wallFrom: last.Wall, wallTo: e.now.Wall, cause: task.MissedClockStep})
	}
	e.mark(c)
	e.clockEvent("the wall clock was set by " + step.Round(time.Millisecond).String())
	e.calendarsStepped(step)
}

// correct adds off to elapsed time: the time that the machine was off, found when a
// clock that was behind at boot is set forward.
func (c *clock) correct(off time.Duration) {
	if off > 0 {
		c.Behind = false
		c.Base += off
	}
}

// gap adds a gap and drops the oldest one if there are too many.
func (c *clock) gap(g gap) {
	if len(c.gaps) == gapsKept {
		c.gaps = append(c.gaps[:0], c.gaps[1:]...)
	}
	c.gaps = append(c.gaps, g)
}

// missCause says why an instant due at this elapsed time was not seen in time, and
// returns the gap that it fell into.
func (c *clock) missCause(due time.Duration) (task.MissCause, gap) {
	for i := len(c.gaps) - 1; i >= 0; i-- {
		if g := c.gaps[i]; due >= g.from && due <= g.to && g.cause != task.MissedClockStep {
			return g.cause, g
		}
	}
	return task.MissedLate, gap{}
}

// missCauseWall is missCause for an instant of the wall clock.
func (c *clock) missCauseWall(due time.Time) (task.MissCause, gap) {
	for i := len(c.gaps) - 1; i >= 0; i-- {
		if g := c.gaps[i]; !due.Before(g.wallFrom) && !due.After(g.wallTo) {
			return g.cause, g
		}
	}
	return task.MissedLate, gap{}
}

// wallAt converts an instant in elapsed time to wall time, as the clock is set now.
func (e *Engine) wallAt(elapsed time.Duration) time.Time {
	return e.now.Wall.Add(elapsed - e.clock.elapsed)
}

func (e *Engine) clockEvent(text string) { e.emit(nil, task.Event{Kind: task.EventClock, Text: text}) }
