// The memory of a registration, in two parts, so that many idle ones fit into little
// memory. The hot part is what nearly every registration has and what differs between
// them. The cold part is what most leave at its zero value: they all share one zero,
// and a registration gets its own cold part when something in it is first written. The
// split names the hot fields only: a field that is added to task.Spec or to LedgerCold
// is cold without a line here.

package engine

import (
	"reflect"
	"time"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/task"
)

// hotSpec is a task.Spec in two parts. Neither is written to: a registration that
// changes gets a new one.
type hotSpec struct {
	Name       string
	EntryPoint task.GUID
	Trigger    task.Trigger
	Conditions []task.Condition
	*coldSpec
}

// coldSpec is a task.Spec whose hot fields are zero. It has no methods: those of
// task.Spec would see half of it.
type coldSpec task.Spec

// noColdSpec is shared by all registrations without options.
var noColdSpec = &coldSpec{}

func splitSpec(s task.Spec) hotSpec {
	hot := hotSpec{s.Name, s.EntryPoint, s.Trigger, s.Conditions, noColdSpec}
	cold := (*coldSpec)(&s)
	cold.Name, cold.EntryPoint, cold.Trigger, cold.Conditions = "", task.GUID{}, nil, nil
	if !reflect.ValueOf(cold).Elem().IsZero() {
		hot.coldSpec = cold
	}
	return hot
}

// whole is the inverse of splitSpec.
func (h hotSpec) whole() task.Spec {
	s := task.Spec(*h.coldSpec)
	s.Name, s.EntryPoint, s.Trigger, s.Conditions = h.Name, h.EntryPoint, h.Trigger, h.Conditions
	return s
}

// cold is what of a registration most have none of: of its ledger, and of what
// follows from its trigger.
type cold struct {
	LedgerCold

	calendar  *calendar.Schedule // of a CalendarTrigger
	zone      *time.Location     // of it; nil: the machine's
	wall      *timer             // of it
	strays    int                // instances that a host still runs and no run stands for
	lostSince time.Duration      // elapsed, since when a condition of the live run fails; 0: all hold
}

// noCold is shared by all registrations that have nothing cold. It is only read.
var noCold = &cold{}

// writeCold returns the cold part to write to. Reading it needs no call.
func (r *reg) writeCold() *cold {
	if r.cold == noCold {
		r.cold = &cold{}
	}
	return r.cold
}

// registration and ledger are the rows of r as they are stored.
func (r *reg) registration() Registration {
	return Registration{TaskID: r.taskID, Package: r.pack.Family, Spec: r.Spec.whole(), Registered: r.registered.In(time.UTC), Order: r.Order}
}

func (r *reg) ledger() Ledger {
	return Ledger{TaskID: r.taskID, LedgerHot: r.LedgerHot, LedgerCold: r.LedgerCold}
}

// open is the inverse of ledger.
func (r *reg) open(l *Ledger) {
	r.LedgerHot, r.cold = l.LedgerHot, noCold
	if !reflect.ValueOf(&l.LedgerCold).Elem().IsZero() {
		r.cold = &cold{LedgerCold: l.LedgerCold}
	}
}

// shown is an instant in the machine's zone, for people.
func (e *Engine) shown(t UnixTime) time.Time { return t.In(e.now.Wall.Location()) }

// setZone notes the zone that a calendar names.
func (r *reg) setZone(zone *time.Location) {
	if r.zone != zone {
		r.writeCold().zone = zone
	}
}

// setCalendar notes the calendar of a CalendarTrigger; nil is that of any other.
func (r *reg) setCalendar(c *calendar.Schedule) {
	if r.calendar != c {
		r.writeCold().calendar = c
	}
}
