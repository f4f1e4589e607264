package engine

import (
	"slices"

	"github.com/bgtask/bgtask/task"
)

// cancel tells a run why it must stop. The first reason stands; a later cancel can
// only shorten the time left, and a final one also keeps the run from being
// latched again.
func (e *Engine) cancel(u *run, reason task.CancellationReason, final bool) {
	if final && !u.Final {
		u.Final = true
		e.mark(u)
	}
	at := e.now.Awake + e.cfg.Policy.CancelGrace
	switch u.State {
	case RunEnded:
	case RunStarting:
		e.endRun(u, ending{outcome: task.Canceled, reason: reason})
	case RunSent, RunRunning:
		move(&u.State, RunCanceling, runMoves, "run of "+u.reg.Spec.Name)
		u.Reason, u.CancelAt = reason, at
		e.mark(u)
		e.armRun(u)
		e.do(CancelRun{u.Host, u.ID, reason})
		view := u.view(e)
		e.emit(u.reg, task.Event{Kind: task.EventCanceling, Run: &view, Text: reason.String()})
		u.reg.since = e.now.Wall
		e.touch(u.reg)
	case RunCanceling:
		if at < u.CancelAt {
			u.CancelAt = at
			e.armRun(u)
		}
		e.mark(u)
	case RunUnresponsive:
		e.cancelUnresponsive(u, reason)
	}
}

// cancelUnresponsive: a host that was silent is told too, if it was not.
func (e *Engine) cancelUnresponsive(u *run, reason task.CancellationReason) {
	if u.CancelAt == 0 {
		u.Reason, u.CancelAt = reason, e.now.Awake+e.cfg.Policy.CancelGrace
		e.mark(u)
		e.do(CancelRun{u.Host, u.ID, reason})
	}
}

// graceOver: a launched server is ended; an application that the user started is
// never killed, unless the user said so.
func (e *Engine) graceOver(u *run) {
	h := e.hosts[u.Host]
	switch {
	case h == nil:
		e.endRun(u, lostEnding(u, "its process is gone"))
	case h.state == HostEnding:
		// its own escalation goes on
	case h.token.IsZero() && !u.kill:
		e.unresponsive(u)
	default:
		e.endHost(h)
	}
}

// unresponsive: no outcome until Run returns or the process is gone. The
// registration and its key stay taken, the slots are free, and the host gets no
// activation.
func (e *Engine) unresponsive(u *run) {
	if u.State == RunUnresponsive || u.State == RunEnded {
		return
	}
	move(&u.State, RunUnresponsive, runMoves, "run of "+u.reg.Spec.Name)
	u.UnresponsiveSince = e.now.Wall
	e.freeSlots(u)
	e.mark(u)
	e.armRun(u)
	if h := e.hosts[u.Host]; h != nil && h.state == HostAttached { // a detached one has its own deadline, for all its runs
		e.moveHost(h, HostUnresponsive)
	}
	u.reg.since = e.now.Wall
	e.touch(u.reg)
	e.serviceWhenDone(u.reg.pack)
}

// updateHealth moves a host between attached and unresponsive, by its runs.
func (e *Engine) updateHealth(h *host) {
	if h == nil || h.state != HostUnresponsive && h.state != HostAttached {
		return
	}
	ill := slices.ContainsFunc(h.runs, func(u *run) bool { return u.State == RunUnresponsive })
	switch {
	case ill && h.state == HostAttached:
		e.moveHost(h, HostUnresponsive)
	case !ill && h.state == HostUnresponsive:
		e.moveHost(h, HostAttached)
		if len(h.visible()) > 0 {
			e.classUp(h)
		}
	}
}

// kill ends the process of a run that does not stop in its grace.
func (e *Engine) kill(u *run) {
	if u.State == RunCanceling && u.CancelAt > e.now.Awake {
		u.kill = true
		return
	}
	if h := e.hosts[u.Host]; h != nil && u.State != RunEnded {
		e.endHost(h)
	}
}

// cancelRequest is bgtask cancel and Registration.Cancel.
func (e *Engine) cancelRequest(ev Cancel) Answer {
	r, a, ok := e.find(ev.Caller, ev.TaskID)
	if !ok { // one that was removed may still have its last run
		if r = e.regs[ev.TaskID]; r == nil || r.run == nil || !ev.Caller.reaches(r) {
			return a
		}
	}
	if r.run == nil {
		return refuse(task.ErrInvalid, r.Spec.Name, "it is not running", "")
	}
	u := r.run
	final := ev.Reason == task.ReasonAbort || ev.Reason == task.ReasonIdleTask || ev.Reason == task.ReasonUninstall
	e.cancel(u, ev.Reason, final)
	if ev.Kill {
		e.kill(u)
	}
	return Answer{TaskID: ev.TaskID, Number: u.Number}
}
