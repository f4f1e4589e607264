// Canceling (SEMANTICS section 5). A run is asked to stop, with a reason, and has a
// grace period to return. The first reason stands. A later cancel can only shorten the
// time left, or make the cancel final, so that the occurrence ends with the run instead
// of being latched again. An application that the user started is never killed unless
// the user asks for it; when it ignores a cancel, its run becomes Unresponsive, which
// frees its slots but keeps the registration and its key taken.

package engine

import (
	"slices"

	"github.com/bgtask/bgtask/task"
)

// cancel asks a run to stop. The first reason stands. A later cancel can only shorten
// the time left; a final one also keeps the occurrence from being latched again.
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
		u.reg.since = UnixTimeOf(e.now.Wall)
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

// cancelUnresponsive sends the first cancel of an unresponsive run to its host, in case
// it still listens.
func (e *Engine) cancelUnresponsive(u *run, reason task.CancellationReason) {
	if u.CancelAt == 0 {
		u.Reason, u.CancelAt = reason, e.now.Awake+e.cfg.Policy.CancelGrace
		e.mark(u)
		e.do(CancelRun{u.Host, u.ID, reason})
	}
}

// graceOver is called when a canceled run did not return in its grace period. A
// launched server is ended; an application that the user started is not, unless the
// user asked for it.
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

// unresponsive marks a run that does not respond. It gets no outcome until Run returns
// or the process is gone. Its registration and key stay taken, its slots are freed, and
// its host gets no activation.
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
	u.reg.since = UnixTimeOf(e.now.Wall)
	e.touch(u.reg)
	e.serviceWhenDone(u.reg.pack)
}

// updateHealth moves a host to Unresponsive if one of its runs is, and back to Attached
// if none is any more.
func (e *Engine) updateHealth(h *host) {
	if h == nil || h.state != HostUnresponsive && h.state != HostAttached {
		return
	}
	unresponsive := slices.ContainsFunc(h.runs, func(u *run) bool { return u.State == RunUnresponsive })
	switch {
	case unresponsive && h.state == HostAttached:
		e.moveHost(h, HostUnresponsive)
	case !unresponsive && h.state == HostUnresponsive:
		e.moveHost(h, HostAttached)
		if len(h.visible()) > 0 {
			e.classUp(h)
		}
	}
}

// kill ends the process of a run that does not stop within its grace period.
func (e *Engine) kill(u *run) {
	if u.State == RunCanceling && u.CancelAt > e.now.Awake {
		u.kill = true
		return
	}
	if h := e.hosts[u.Host]; h != nil && u.State != RunEnded {
		e.endHost(h)
	}
}

// cancelRequest handles bgtask cancel and Registration.Cancel.
func (e *Engine) cancelRequest(ev Cancel) Answer {
	r, a, ok := e.find(ev.Caller, ev.TaskID)
	if !ok { // one that was removed may still have a live run
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
