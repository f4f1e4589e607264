package engine

import (
	"time"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/task"
)

// terms are a task.Spec whose rare part is shared by all that have none of it.
type terms struct {
	Name       string
	EntryPoint task.GUID
	Trigger    task.Trigger
	Conditions []task.Condition
	*options
}

type options struct {
	CancelOnConditionLoss bool
	Group                 string
	Retry                 task.RetryPolicy
	Misfire               task.Misfire
	Hold                  task.Hold
	Queue                 int
	Exclusive             string
	RunLimit              time.Duration
	Command               *task.Command
}

// noOptions are the options of a registration that has none. Options are never
// written to: terms are made anew.
var noOptions = &options{}

func termsOf(s task.Spec) terms {
	t := terms{s.Name, s.EntryPoint, s.Trigger, s.Conditions, noOptions}
	o := options{s.CancelOnConditionLoss, s.Group, s.Retry, s.Misfire, s.Hold, s.Queue, s.Exclusive, s.RunLimit, s.Command}
	if o.CancelOnConditionLoss || o.Group != "" || o.Retry != (task.RetryPolicy{}) || o.Misfire != (task.Misfire{}) ||
		o.Hold != (task.Hold{}) || o.Queue != 0 || o.Exclusive != "" || o.RunLimit != 0 || o.Command != nil {
		t.options = &o
	}
	return t
}

// whole is the inverse of termsOf.
func (t terms) whole() task.Spec {
	o := t.options
	return task.Spec{Name: t.Name, EntryPoint: t.EntryPoint, Trigger: t.Trigger, Conditions: t.Conditions,
		CancelOnConditionLoss: o.CancelOnConditionLoss, Group: o.Group, Retry: o.Retry, Misfire: o.Misfire, Hold: o.Hold, Queue: o.Queue,
		Exclusive: o.Exclusive, RunLimit: o.RunLimit, Command: o.Command}
}

// books are what every registration has of its Ledger; rare is what few have, so
// that a hundred thousand idle ones fit into little memory.
type books struct {
	State      RegState
	Disarmed   bool
	Alone      bool
	Faults     int32
	Tries      int32
	Losses     int32
	Firing     uint64
	Grid       time.Duration
	GridWall   int64 // Unix nanoseconds, as is Registered
	Registered int64
	Next       time.Duration
	NotBefore  time.Duration
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

// registration and ledger are the rows.
func (r *reg) registration() Registration {
	return Registration{TaskID: r.taskID, Package: r.pack.Family, Spec: r.Spec.whole(), Registered: time.Unix(0, r.Registered).UTC(), Order: r.Order}
}

func (r *reg) ledger() Ledger {
	return Ledger{
		TaskID: r.id(), State: r.State, Firing: r.Firing, Grid: r.Grid, GridWall: time.Unix(0, r.GridWall).UTC(),
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
	if l.NextWall.IsZero() && l.LastWall.IsZero() && l.Cause == SuspendedByNothing && l.Probe == 0 && l.OnceIn == "" && len(l.Starts) == 0 &&
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

// wallOf shows a stored instant in the machine's zone.
func (e *Engine) wallOf(unix int64) time.Time { return time.Unix(0, unix).In(e.now.Wall.Location()) }
