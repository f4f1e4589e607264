package engine

import (
	"time"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/task"
)

// books are what every registration has of its Ledger; rare is what few have, so
// that a hundred thousand idle ones fit into little memory.
type books struct {
	State     RegState
	Disarmed  bool
	Alone     bool
	Faults    int32
	Tries     int32
	Losses    int32
	Firing    uint64
	Grid      time.Duration
	GridWall  int64 // Unix nanoseconds
	Next      time.Duration
	NotBefore time.Duration
}

// rare is shared by all registrations that have none of it, and copied before it
// is first written: own. Reading needs no care.
type rare struct {
	NextWall time.Time
	LastWall time.Time
	Cause    SuspendCause
	Since    time.Time
	Text     string
	Probe    time.Duration
	OnceIn   string
	Starts   []time.Duration
	LastEnd  task.Ended
	LastRun  *task.Run
	Counts   task.Counts

	calendar  *calendar.Schedule // of a CalendarTrigger
	zone      *time.Location     // of it; nil: the machine's
	wall      *timer             // of it
	strays    int                // instances that a host still runs and nobody knows
	lostSince time.Duration      // elapsed, since when a condition of the live run fails; 0: none does
}

// nothing is what nobody may write to.
var nothing = &rare{}

// own gives the part that is to be written.
func (r *reg) own() *rare {
	if r.rare == nothing {
		r.rare = &rare{}
	}
	return r.rare
}

// ledger is the row.
func (r *reg) ledger() Ledger {
	return Ledger{
		TaskID: r.id(), State: r.State, Firing: r.Firing, Grid: r.Grid, GridWall: time.Unix(0, r.GridWall).In(r.Registered.Location()),
		Next: r.Next, NextWall: r.NextWall, LastWall: r.LastWall, Disarmed: r.Disarmed,
		Faults: int(r.Faults), Tries: int(r.Tries), Losses: int(r.Losses), NotBefore: r.NotBefore, Alone: r.Alone,
		Cause: r.Cause, Since: r.Since, Text: r.Text, Probe: r.Probe, OnceIn: r.OnceIn, Starts: r.Starts,
		LastEnd: r.LastEnd, LastRun: r.LastRun, Counts: r.Counts,
	}
}

// open is the inverse of ledger.
func (r *reg) open(l Ledger) {
	r.books = books{State: l.State, Disarmed: l.Disarmed, Alone: l.Alone, Faults: int32(l.Faults), Tries: int32(l.Tries), Losses: int32(l.Losses),
		Firing: l.Firing, Grid: l.Grid, GridWall: l.GridWall.UnixNano(), Next: l.Next, NotBefore: l.NotBefore}
	r.rare = nothing
	if l.NextWall.IsZero() && l.LastWall.IsZero() && l.Cause == NotSuspended && l.Probe == 0 && l.OnceIn == "" && len(l.Starts) == 0 &&
		l.LastEnd == (task.Ended{}) && l.LastRun == nil && l.Counts == (task.Counts{}) {
		return
	}
	r.rare = &rare{NextWall: l.NextWall, LastWall: l.LastWall, Cause: l.Cause, Since: l.Since, Text: l.Text, Probe: l.Probe, OnceIn: l.OnceIn,
		Starts: l.Starts, LastEnd: l.LastEnd, LastRun: l.LastRun, Counts: l.Counts}
}

// setZone: only a calendar with a zone of its own has one.
func (r *reg) setZone(zone *time.Location) {
	if r.zone != zone {
		r.own().zone = zone
	}
}
