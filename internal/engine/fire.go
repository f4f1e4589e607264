package engine

import (
	"fmt"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// fireRequest is the application's Request, or bgtask fire.
func (e *Engine) fireRequest(ev Fire) Answer {
	r, a, ok := e.find(ev.Caller, ev.TaskID)
	if !ok {
		return a
	}
	_, own := r.Spec.Trigger.(task.ApplicationTrigger)
	switch {
	case r.State == RegSpent:
		return refuse(task.ErrInvalid, r.Spec.Name, "it is a one-shot that has run; it does not fire again", "register it anew, or remove it")
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
		return refuse(task.ErrQueueFull, r.Spec.Name, fmt.Sprintf("%d requests wait, the most its queue holds", len(r.pending)), "")
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

// hurry waives the conditions and the back-off of what is pending: a request that
// has nothing new to say loses nothing.
func (e *Engine) hurry(r *reg) Answer {
	o := r.pending[0]
	o.Waived, r.NotBefore = true, 0
	e.mark(o)
	e.markLedger(r)
	e.touch(r)
	e.emit(r, task.Event{Kind: task.EventChanged, Text: "conditions and back-off waived by hand"})
	return Answer{TaskID: r.id(), Number: o.Number}
}

// raise fires every CustomSystemEventTrigger of the event in the caller's reach.
func (e *Engine) raise(ev Raise) Answer {
	var a Answer
	takers := slices.DeleteFunc(e.events[ev.EventID].sorted(), func(r *reg) bool {
		return !ev.Caller.All && r.pack.Family != ev.Caller.Package || r.State == RegRemoving || e.onceDone(r)
	})
	if full, ok := e.roomForAll(takers, len(ev.Payload)); !ok {
		return full
	}
	for _, r := range takers {
		r.own().OnceIn = e.login()
		e.fire(r, firing{by: ByEvent, details: task.CustomSystemEventTriggerDetails{ID: ev.EventID, Payload: ev.Payload}})
		a.Tasks = append(a.Tasks, r.pack.Family+"/"+r.Spec.Name)
	}
	return a
}

// roomForAll: an event is taken by all who wait for it, or refused.
func (e *Engine) roomForAll(takers []*reg, size int) (Answer, bool) {
	for _, r := range takers {
		if full, ok := e.roomFor(r, size, len(takers)); !ok {
			return full, false
		}
	}
	return Answer{}, true
}

// onceDone says whether a trigger with Recurrence Once has fired in this boot and
// login.
func (e *Engine) onceDone(r *reg) bool {
	return r.Spec.Trigger.(task.CustomSystemEventTrigger).Recurrence == task.Once && r.OnceIn == e.login()
}

func (e *Engine) login() string { return fmt.Sprintf("%s/%d", e.now.ID, e.clock.Login) }

// occurred is what a watcher saw. What there is no room for loses its details when the
// task can look itself, and is refused otherwise: who sent a message keeps it.
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
