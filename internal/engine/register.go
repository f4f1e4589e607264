// Registering, changing and removing (SEMANTICS section 1). Register refuses whatever
// could never fire or run here, since an accepted trigger fires. Ensure must not
// disturb a registration that is equal: its timer's phase, its latch and its suspension
// stay. A removed registration stays in the state Removing until its live run has
// ended, because two runs of one registration must never overlap, not even across an
// unregister.

package engine

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/task"
)

// register handles Register and Ensure. It checks the package, then the class, then the
// name, then the trigger, so that the most fundamental problem is reported.
func (e *Engine) register(ev Register) Answer {
	p := e.packages[ev.Package]
	if p == nil || p.Removing {
		return refuse(task.ErrNoPackage, ev.Package, "no such package is installed", "bgtask install DIR")
	}
	if !ev.Caller.All && ev.Caller.Package != ev.Package {
		return refuse(task.ErrAccessDenied, ev.Spec.Name, "a program can register tasks only for its own package", "")
	}
	if !p.Access.Allowed() {
		return refuse(task.ErrAccessDenied, ev.Spec.Name, "background access of "+p.Family+" is "+p.Access.String(),
			"call RequestAccess, or: bgtask access "+p.Name+" allow")
	}
	spec := normal(ev.Spec)
	if !p.Declares(spec.EntryPoint) {
		return refuse(task.ErrClassNotDeclared, spec.Name, "class "+spec.EntryPoint.String()+" is not declared by package "+p.Family,
			"declare it with com:Class in AppxManifest.xml")
	}
	same := e.sameName(p, spec)
	if ev.Ensure && len(same) > 0 {
		return e.ensure(ev, spec, same)
	}
	if ev.Unique && len(same) > 0 {
		return refuse(task.ErrConflict, spec.Name, "a task with this name exists", "--replace changes it")
	}
	if refused, ok := e.checkTrigger(spec, &ev); !ok {
		return refused
	}
	if a, ok := e.checkRoom(p, spec); !ok {
		return a
	}
	return e.add(p, spec, ev)
}

// normal makes equal specs compare equal: an empty list becomes nil.
func normal(s task.Spec) task.Spec {
	if len(s.Conditions) == 0 {
		s.Conditions = nil
	}
	if s.Command != nil {
		c := *s.Command
		c.Args, c.Env = slices.Clip(c.Args), slices.Clip(c.Env)
		if len(c.Args) == 0 {
			c.Args = nil
		}
		if len(c.Env) == 0 {
			c.Env = nil
		}
		s.Command = &c
	}
	return s
}

// checkRoom refuses a registration beyond the limits.
func (e *Engine) checkRoom(p *pack, spec task.Spec) (Answer, bool) {
	if len(p.regs) >= task.MaxPerPackage {
		return refuse(task.ErrLimit, spec.Name, fmt.Sprintf("package %s already has %d tasks, which is the limit", p.Family, task.MaxPerPackage), "remove some, or use one task with a queue"), false
	}
	if len(e.regs) >= task.MaxRegistrations {
		return refuse(task.ErrLimit, spec.Name, fmt.Sprintf("there are already %d tasks, which is the limit", task.MaxRegistrations), ""), false
	}
	return Answer{}, true
}

// checkTrigger refuses a trigger that cannot fire on this machine: every accepted
// trigger fires. It leaves the calendar of a CalendarTrigger in ev.
func (e *Engine) checkTrigger(spec task.Spec, ev *Register) (Answer, bool) {
	if err := task.CheckFreshness(spec.Trigger, e.cfg.Policy); err != nil {
		return refusal(err, spec.Name), false
	}
	if st := e.sourceOf(spec.Trigger); st != nil && st.Status == task.SourceNotHere {
		return refuse(task.ErrTriggerNotSupported, spec.Name, "the trigger cannot fire here: "+st.Detail, st.Remedy), false
	}
	t, ok := spec.Trigger.(task.CalendarTrigger)
	if !ok {
		return Answer{}, true
	}
	if ev.Calendar == nil {
		schedule, err := calendar.Parse(t.Expr)
		if err != nil {
			return refuse(task.ErrInvalid, spec.Name, "calendar "+fmt.Sprintf("%q", t.Expr)+": "+err.Error(), ""), false
		}
		ev.Calendar = schedule
	}
	zone := ev.Zone
	if zone == nil {
		zone = e.now.Wall.Location()
	}
	if _, ok := ev.Calendar.Next(e.now.Wall, zone); !ok {
		return refuse(task.ErrTriggerNotSupported, spec.Name, fmt.Sprintf("calendar %q has no instant in the next 50 years", t.Expr), ""), false
	}
	return Answer{}, true
}

// sameName returns the registrations with the name and group of spec, oldest first.
func (e *Engine) sameName(p *pack, spec task.Spec) []*reg {
	var same []*reg
	for r := p.names[spec.Name]; r != nil; r = r.twin {
		if r.Spec.Group == spec.Group && r.State != RegRemoving {
			same = append(same, r)
		}
	}
	return same
}

// add makes a new registration.
func (e *Engine) add(p *pack, spec task.Spec, ev Register) Answer {
	e.order++
	r := &reg{taskID: e.newGUID(), Spec: splitSpec(spec), Order: e.order}
	r.open(&Ledger{})
	r.registered = UnixTimeOf(e.now.Wall)
	e.enter(r, p)
	r.setZone(ev.Zone)
	e.newPhase(r, ev.Calendar)
	r.since = UnixTimeOf(e.now.Wall)
	e.markReg(r)
	e.markLedger(r)
	e.touch(r)
	e.emit(r, task.Event{Kind: task.EventRegistered, Text: spec.Trigger.Class()})
	return Answer{TaskID: r.id(), Change: Added, Warnings: e.warnings(r)}
}

// enter adds r to its package and to the sets of its trigger.
func (e *Engine) enter(r *reg, p *pack) {
	r.pack, r.holdsSince = p, -1
	r.elapsed.owner = r
	e.regs[r.id()] = r
	p.add(r)
	e.index(r)
}

// newPhase starts the grid or calendar of the trigger now.
func (e *Engine) newPhase(r *reg, calendar *calendar.Schedule) {
	r.Grid, r.GridWall, r.Next, r.Disarmed = e.clock.elapsed, UnixTimeOf(e.now.Wall), 0, false
	if r.cold != noCold {
		r.NextWall, r.LastWall, r.OnceIn = timeZero, timeZero, ""
	}
	if f := freshness(r.Spec.Trigger); f > 0 {
		r.Next = r.Grid + f
	}
	r.setCalendar(calendar)
	e.nextInstant(r)
}

// ensure applies spec to the oldest registration of the name and removes the
// duplicates. An equal spec changes nothing. A different one keeps the TaskID and what
// is pending; the phase is kept too if the trigger is unchanged.
func (e *Engine) ensure(ev Register, spec task.Spec, same []*reg) Answer {
	r := same[0]
	a := Answer{TaskID: r.id()}
	if !r.Spec.whole().Equal(spec) {
		if refused, ok := e.checkTrigger(spec, &ev); !ok {
			return refused
		}
		e.update(r, spec, ev)
		a.Change = Updated
	}
	for _, dup := range same[1:] {
		a.Replaced = append(a.Replaced, dup.id())
		e.remove(dup, false)
	}
	a.Warnings = e.warnings(r)
	return a
}

// update changes a registration in place. What is pending stays unless the trigger
// changed: other conditions apply to it from now on. A live run continues as it was
// started.
func (e *Engine) update(r *reg, spec task.Spec, ev Register) {
	phase := !reflect.DeepEqual(r.Spec.Trigger, spec.Trigger)
	if r.run != nil {
		r.run.Outdated = true
		e.mark(r.run)
	}
	e.unindex(r)
	e.unsubscribe(r)
	if phase {
		for len(r.pending) > 0 {
			e.endPending(r, r.pending[0], task.EndRemoved)
		}
	}
	r.Spec = splitSpec(spec)
	r.setZone(ev.Zone)
	e.index(r)
	if phase {
		e.newPhase(r, ev.Calendar)
	}
	if r.State == RegSpent && (phase || !r.Disarmed) {
		e.setState(r, RegActive)
	}
	if r.State == RegSuspended {
		e.unsuspend(r, "the registration was changed")
	}
	if len(r.pending) > 0 || r.live != nil {
		e.subscribe(r)
	}
	r.holdsSince = -1
	e.markReg(r)
	e.markLedger(r)
	e.touch(r)
	e.emit(r, task.Event{Kind: task.EventChanged, Text: "the registration was changed"})
}

// unregister handles Unregister.
func (e *Engine) unregister(ev Unregister) Answer {
	r, a, ok := e.find(ev.Caller, ev.TaskID)
	if !ok {
		return a
	}
	e.remove(r, ev.Cancel)
	return Answer{TaskID: ev.TaskID}
}

// find looks a registration up for a request. Registrations outside the caller's
// package do not exist for it.
func (e *Engine) find(c Caller, id task.GUID) (*reg, Answer, bool) {
	r := e.regs[id]
	if r == nil || !c.reaches(r) || r.State == RegRemoving {
		return nil, refuse(task.ErrNotRegistered, id.String(), "no such task is registered", "'bgtask list' shows all"), false
	}
	return r, Answer{}, true
}

// reaches reports whether r exists for the caller.
func (c Caller) reaches(r *reg) bool { return c.All || r.pack.Family == c.Package }

// remove ends what is pending and, if no run is live, the registration. Otherwise the
// registration ends with its run.
func (e *Engine) remove(r *reg, cancel bool) {
	if r.State == RegRemoving {
		return
	}
	for len(r.pending) > 0 {
		e.endPending(r, r.pending[0], task.EndRemoved)
	}
	e.setState(r, RegRemoving)
	e.markLedger(r)
	e.emit(r, task.Event{Kind: task.EventChanged, Text: "removed"})
	if r.run != nil && cancel {
		e.cancel(r.run, task.ReasonAbort, true)
	}
	e.goneWhenDone(r)
}

// goneWhenDone ends a registration that is being removed, once no run of it is live.
func (e *Engine) goneWhenDone(r *reg) {
	if r.State != RegRemoving || r.run != nil || r.live != nil {
		e.touch(r)
		return
	}
	e.setState(r, RegGone)
	e.unindex(r)
	e.unsubscribe(r)
	e.dequeue(r)
	e.arm(r)
	delete(e.regs, r.id())
	r.pack.drop(r)
	e.markReg(r)
	e.markLedger(r)
	e.emit(r, task.Event{Kind: task.EventUnregistered})
	e.packageWhenDone(r.pack)
}

// setState moves a registration to another state.
func (e *Engine) setState(r *reg, to RegState) {
	move(&r.State, to, regMoves, "registration "+r.Spec.Name)
	r.since = UnixTimeOf(e.now.Wall)
	e.markLedger(r)
}

// spendWhenDone moves a one-shot whose occurrence has ended to Spent. It stays visible,
// and an Ensure with the same trigger does not arm it again.
func (e *Engine) spendWhenDone(r *reg) {
	if r.Disarmed && r.State == RegActive && len(r.pending) == 0 && r.live == nil {
		e.setState(r, RegSpent)
	}
}

// warnings returns what may surprise the user about a registration that was accepted.
func (e *Engine) warnings(r *reg) []string {
	var w []string
	if st := e.sourceOf(r.Spec.Trigger); st != nil && (st.Status == task.SourceGone || st.Status == task.SourceNotHere) {
		w = append(w, strings.TrimSuffix(fmt.Sprintf("its trigger does not fire now: %s is %v: %s", st.Name, st.Status, st.Detail), ": "))
	}
	for _, c := range r.Spec.Conditions {
		c, _ = task.CutUnknown(c)
		for _, n := range c.Needs() {
			if f := e.facts[n.Fact]; f == nil || f.cause() == task.CauseNoSource {
				w = append(w, fmt.Sprintf("%s stays unsure: no source on this machine reports whether %s", c, n.Want))
			}
		}
	}
	return w
}
