// Firings that are asked for: an application's Request, bgtask fire, a raised event,
// and what a watcher saw (SEMANTICS section 2). An answer means that the firing is
// stored; what cannot be kept is refused, because dropping it later would lose
// arguments that the caller believes to be safe.

package engine

import (
	"fmt"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// fireRequest handles an application's Request and bgtask fire. An ApplicationTrigger
// without a queue answers ErrCurrentlyRunning while a request is pending or live, since
// coalescing would lose the arguments of one of them.
func (e *Engine) fireRequest(ev Fire) Answer {
	r, a, ok := e.find(ev.Caller, ev.TaskID)
	if !ok {
		return a
	}
	_, own := r.Spec.Trigger.(task.ApplicationTrigger)
	switch {
	case r.State == RegSpent:
		return refuse(task.ErrInvalid, r.Spec.Name, "it is a one-shot that has run and does not fire again", "register it again, or remove it")
	case !own && !ev.ByHand:
		return refuse(task.ErrInvalid, r.Spec.Name, "only a task with an ApplicationTrigger is fired by its application; this one has a "+r.Spec.Trigger.Class(), "")
	case own && r.State == RegSuspended:
		return refuse(task.ErrDisabledByPolicy, r.Spec.Name, "it is suspended: "+r.Text, "bgtask resume "+r.Spec.Name)
	case own && !r.pack.Access.Allowed():
		return refuse(task.ErrDisabledByPolicy, r.Spec.Name, "background access of "+r.pack.Family+" is "+r.pack.Access.String(), "bgtask access "+r.pack.Family+" allow")
	case own && ev.Now && len(ev.Arguments) == 0 && r.live == nil && len(r.pending) > 0:
		return e.hurry(r)
	case own && r.Spec.Queue == 0 && (len(r.pending) > 0 || r.live != nil):
		return refuse(task.ErrCurrentlyRunning, r.Spec.Name, "an earlier request is pending or running, and this one's arguments would be lost", "give the task a Queue")
	case r.Spec.Queue > 0 && len(r.pending) >= r.Spec.Queue:
		return refuse(task.ErrQueueFull, r.Spec.Name, fmt.Sprintf("%d requests are waiting, which is the limit of its queue", len(r.pending)), "")
	}
	if a, ok := e.roomFor(r, len(ev.Arguments), 1); !ok {
		return a
	}
	f := firing{by: ByApplication, details: task.ApplicationTriggerDetails{Arguments: ev.Arguments}, now: ev.Now}
	if ev.ByHand {
		f.by = ByHand
		if !own {
			f.details = task.ManualDetails{Arguments: ev.Arguments}
		}
	}
	o := e.fire(r, f)
	return Answer{TaskID: r.id(), Number: o.Number}
}

// hurry waives the conditions and the back-off of the pending request. It is used when
// a request carries no arguments, so nothing can be lost.
func (e *Engine) hurry(r *reg) Answer {
	o := r.pending[0]
	o.Waived, r.NotBefore = true, 0
	e.mark(o)
	e.markLedger(r)
	e.touch(r)
	e.emit(r, task.Event{Kind: task.EventChanged, Text: "conditions and back-off waived by hand"})
	return Answer{TaskID: r.id(), Number: o.Number}
}

// raise fires every CustomSystemEventTrigger for the event that the caller reaches: all
// of them, or none if a payload does not fit.
func (e *Engine) raise(ev Raise) Answer {
	var a Answer
	takers := slices.DeleteFunc(e.events[ev.EventID].sorted(), func(r *reg) bool {
		return !ev.Caller.All && r.pack.Family != ev.Caller.Package || r.State == RegRemoving || e.onceDone(r)
	})
	if full, ok := e.roomForAll(takers, len(ev.Payload)); !ok {
		return full
	}
	for _, r := range takers {
		r.writeCold().OnceIn = e.login()
		e.fire(r, firing{by: ByEvent, details: task.CustomSystemEventTriggerDetails{ID: ev.EventID, Payload: ev.Payload}})
		a.Tasks = append(a.Tasks, r.pack.Family+"/"+r.Spec.Name)
	}
	return a
}

// roomForAll checks that every task that takes the event has room for the payload.
func (e *Engine) roomForAll(takers []*reg, size int) (Answer, bool) {
	for _, r := range takers {
		if full, ok := e.roomFor(r, size, len(takers)); !ok {
			return full, false
		}
	}
	return Answer{}, true
}

// onceDone reports whether an event trigger with recurrence Once has already fired in
// this boot and login.
func (e *Engine) onceDone(r *reg) bool {
	return r.Spec.Trigger.(task.CustomSystemEventTrigger).Recurrence == task.Once && r.OnceIn == e.login()
}

// login names the current login of the current boot, for the recurrence Once.
func (e *Engine) login() string { return fmt.Sprintf("%s/%d", e.now.ID, e.clock.Login) }

// occurred fires a task for what its watcher saw. If the payload does not fit, details
// that the task can find out itself are left out; anything else, such as a message, is
// refused, and its sender keeps it.
func (e *Engine) occurred(ev Occurred) Answer {
	r := e.regs[ev.TaskID]
	if r == nil || !watched(r.Spec.Trigger) || !e.armed(r) {
		return Answer{}
	}
	if full, ok := e.roomFor(r, task.PayloadSize(ev.Details), 1); !ok {
		switch d := ev.Details.(type) {
		case task.StorageLibraryContentChangedTriggerDetails:
			ev.Details = task.StorageLibraryContentChangedTriggerDetails{Overflow: true}
		case task.DeviceWatcherTriggerDetails:
			d.Properties = nil
			ev.Details = d
		default:
			return full
		}
	}
	e.fire(r, firing{by: ByWatch, details: ev.Details})
	return Answer{}
}
