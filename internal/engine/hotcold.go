// A registration is kept in two parts, so that 100,000 idle ones fit into little memory.
// The hot part holds the fields that nearly every registration sets. The cold part holds
// those that most leave zero: they all share one zero value, and a registration gets its
// own cold part when a field in it is first written. Shared parts are never written to.
// The split names the hot fields only, so a field that is added to task.Spec or to
// LedgerCold is cold without a line here.

package engine

import (
	"reflect"
	"time"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/task"
)

// hotSpec is a task.Spec in two parts. Neither is ever written to: a registration that
// changes gets a new hotSpec.
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

// noColdSpec is the cold part of all registrations without options.
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

// cold is the part of a registration that most leave zero: in its ledger, and in what is
// derived from its trigger and its runs.
type cold struct {
	LedgerCold

	calendar  *calendar.Schedule // parsed expression of a CalendarTrigger
	zone      *time.Location     // of the calendar; nil: the machine's
	wall      *timer             // for the calendar's next instant
	strays    int                // instances that a host still runs without a run of the engine
	lostSince time.Duration      // elapsed, since when a condition of the live run fails; 0: all hold
}

// noCold is the cold part of all registrations whose cold fields are zero. It is only
// read.
var noCold = &cold{}

// writeCold returns r's own cold part, for writing. Reading needs no call.
func (r *reg) writeCold() *cold {
	if r.cold == noCold {
		r.cold = &cold{}
	}
	return r.cold
}

// registration returns the stored row of what r was registered with. ledger returns the
// row that changes with every firing.
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

// shown returns an instant in the machine's zone, for people.
func (e *Engine) shown(t UnixTime) time.Time { return t.In(e.now.Wall.Location()) }

// setZone sets the zone that r's calendar names; nil is the machine's.
func (r *reg) setZone(zone *time.Location) {
	if r.zone != zone {
		r.writeCold().zone = zone
	}
}

// setCalendar sets the parsed calendar of a CalendarTrigger; other triggers have nil.
func (r *reg) setCalendar(c *calendar.Schedule) {
	if r.calendar != c {
		r.writeCold().calendar = c
	}
}
