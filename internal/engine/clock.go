package engine

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// stepNoticed is the least jump of the wall clock that is called a step, and the
// least sleep that is called one: below it readings of two clocks just differ.
const stepNoticed = time.Second

// clock turns readings of the machine's clocks into elapsed time, which goes on
// through sleep, power-off and steps of the wall clock.
type clock struct {
	Clock
	isDirty bool
	elapsed time.Duration // now
	gaps    []gap         // the last ones, oldest first
}

// gap is a span of elapsed time in which nobody looked.
type gap struct {
	from, to time.Duration
	wallFrom time.Time
	wallTo   time.Time
	cause    task.MissCause
}

const gapsKept = 8

func (c *clock) dirtyBit() *bool { return &c.isDirty }
func (c *clock) write() Write    { return Put{c.Clock} }

// observe takes a new reading; a reading that was overtaken counts as the last one.
func (e *Engine) observe(now Instant) {
	last := e.now
	now.Boot, now.Awake = max(now.Boot, last.Boot), max(now.Awake, last.Awake)
	e.now = now
	e.clock.elapsed = e.clock.Base + now.Boot
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

func (e *Engine) slept(last Instant, d time.Duration) {
	from := e.clock.Base + last.Boot
	e.clock.gap(gap{from: from, to: e.clock.elapsed, wallFrom: last.Wall, wallTo: e.now.Wall, cause: task.MissedAsleep})
	e.clockEvent("the machine slept for " + d.Round(time.Second).String())
}

// clockStepped: a step changes no deadline but the calendars'. The first forward
// step of a boot whose clock was behind is time that the machine was off.
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

// setRight takes off, by which a clock that was behind at boot was set forward, as
// time that the machine was off.
func (c *clock) correct(off time.Duration) {
	if off > 0 {
		c.Behind = false
		c.Base += off
	}
}

func (c *clock) gap(g gap) {
	if len(c.gaps) == gapsKept {
		c.gaps = append(c.gaps[:0], c.gaps[1:]...)
	}
	c.gaps = append(c.gaps, g)
}

// missCause says why nobody saw the instant due (elapsed) in time.
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

// wallAt is the wall time of an elapsed instant, as the clock goes now.
func (e *Engine) wallAt(elapsed time.Duration) time.Time {
	return e.now.Wall.Add(elapsed - e.clock.elapsed)
}

func (e *Engine) clockEvent(text string) { e.emit(nil, task.Event{Kind: task.EventClock, Text: text}) }
