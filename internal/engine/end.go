// How a process ends, by itself or by the engine (SEMANTICS section 4). A run gets its
// outcome only when its code can no longer run: when it has returned, or its process is
// gone. The engine ends only launched processes, step by step: a grace for the other
// runs in the process, SIGTERM, SIGKILL. What survives SIGKILL is stuck in the kernel;
// it stays Unresponsive, and nothing else waits for it.

package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// escalation is the next step in ending a process.
type escalation uint8

// The steps of an escalation, in order.
const (
	escalateTerm escalation = iota // the next step: SIGTERM
	escalateKill
	escalateGiveUp
	escalated
)

// signalNext sends the next signal and returns how long to wait for its effect, or
// false if no signal is left.
func (e *Engine) signalNext(s *escalation, p task.Process, token task.LaunchToken) (time.Duration, bool) {
	switch *s {
	case escalateTerm:
		*s = escalateKill
		e.do(Signal{Process: p, Token: token})
		return task.KillDelay, true
	case escalateKill:
		*s = escalateGiveUp
		e.do(Signal{Process: p, Token: token, Kill: true})
		return task.KillGrace, true
	}
	*s = escalated
	return 0, false
}

// endHost ends a host's process. It gets no new activation, and its other live runs are
// canceled with Terminating and get one grace period.
func (e *Engine) endHost(h *host) {
	if h.state == HostEnding || h.state == HostGone {
		return
	}
	e.moveHost(h, HostEnding)
	h.objects = nil
	h.esc = escalateTerm
	if l := e.launches[h.token]; l != nil && l.State == ServerUp {
		e.moveLaunch(l, ServerEnding)
		// Runs in the process may still be working: the next launch of the class server
		// must not work beside them.
		if len(h.runs) > 0 && !h.singleUse() {
			l.blocks = true
			l.server.ending++
		}
	}
	// The other runs did nothing wrong: they get a grace of their own before the process
	// is ended.
	others := false
	for _, u := range slices.Clone(h.runs) {
		if !u.canceled() && u.Failing == "" && !h.neverReturned {
			e.cancel(u, task.ReasonTerminating, false)
			others = true
		}
	}
	if others {
		e.awake.arm(&h.timer, e.now.Awake+e.cfg.Policy.CancelGrace)
		return
	}
	e.escalateHost(h)
}

// singleUse reports whether the host's process serves only one run of a SingleUse
// class. Ending it slowly harms no other run, so the next launch need not wait for it.
func (h *host) singleUse() bool { return len(h.served) > 0 && len(h.runs) <= 1 && h.single }

// escalateHost takes the next step in ending a host's process. When no signal is left,
// the host and its runs are Unresponsive.
func (e *Engine) escalateHost(h *host) {
	if wait, ok := e.signalNext(&h.esc, h.id, h.token); ok {
		e.awake.arm(&h.timer, e.now.Awake+wait)
		return
	}
	for _, u := range slices.Clone(h.runs) {
		e.unresponsive(u)
	}
	if h.state == HostEnding || h.state == HostLeaving {
		e.moveHost(h, HostUnresponsive)
	}
	if l := e.launches[h.token]; l != nil {
		e.unblock(l) // only what no signal ends is left
	}
}

// endLaunch ends a launch that never showed its class.
func (e *Engine) endLaunch(l *launch) {
	l.esc = escalateTerm
	e.escalate(l)
}

// escalate takes the next step in ending the process tree of a launch. When no signal
// is left, the class server may be launched again: what survives cannot be waited for.
func (e *Engine) escalate(l *launch) {
	if l.State != ServerEnding {
		return
	}
	if wait, ok := e.signalNext(&l.esc, l.Process, l.Token); ok {
		e.awake.arm(&l.timer, e.now.Awake+wait)
		return
	}
	if l.blocks {
		e.unblock(l)
		e.freeLaunchSlot(l)
		e.launchAgain(l)
	}
}

// exited handles the end of a process: its code no longer runs.
func (e *Engine) exited(ev Exited) {
	h := e.hosts[ev.Process]
	if h != nil {
		e.hostGone(h, ev.Exit)
	}
	l := e.launches[ev.Token]
	if l == nil || l.Process != ev.Process && !l.Process.IsZero() {
		return
	}
	// The first process is gone, but its tree may live on, so the launch is not over.
	switch l.State {
	case ServerLaunching:
		e.closeLaunch(l)
	case ServerUp:
		e.moveLaunch(l, ServerEnding)
	}
	if !l.adopted {
		e.failWaiters(l, ending{outcome: task.ActivationFailed, exit: ev.Exit.Status, stderr: ev.Exit.Stderr, text: "class not registered"})
	}
	e.awake.arm(&l.timer, 0) // the rest of its tree is being ended; TreeEnded follows
}

// treeEnded handles the end of a launch's whole process tree. If the next launch of the
// class server had to wait for that, it can be made now.
func (e *Engine) treeEnded(ev TreeEnded) {
	l := e.launches[ev.Token]
	if l == nil {
		return
	}
	if !l.adopted {
		e.failWaiters(l, ending{outcome: task.ActivationFailed, text: "class not registered"})
	}
	if ev.Left {
		e.treeLeft(l)
		return
	}
	for _, h := range slices.Clone(e.packages[l.Package].hosts) {
		if h.token == l.Token {
			e.hostGone(h, Exit{})
		}
	}
	e.moveLaunch(l, ServerAbsent)
	e.dropLaunch(l)
	e.launchAgain(l)
}

// treeLeft handles processes that no signal ends. They may still run a task, so their
// runs get no outcome before they are gone; nothing else waits for that.
func (e *Engine) treeLeft(l *launch) {
	for _, h := range slices.Clone(e.packages[l.Package].hosts) {
		if h.token != l.Token {
			continue
		}
		h.objects = nil
		for _, u := range slices.Clone(h.runs) {
			e.unresponsive(u)
		}
		if h.state != HostUnresponsive {
			e.moveHost(h, HostUnresponsive)
		}
		e.awake.arm(&h.timer, 0)
	}
	e.unblock(l)
	e.freeLaunchSlot(l)
	e.launchAgain(l)
}

// hostGone removes a host and gives each of its runs an outcome.
func (e *Engine) hostGone(h *host, exit Exit) {
	was := h.state
	if was == HostGone {
		return
	}
	e.moveHost(h, HostGone)
	e.awake.arm(&h.timer, 0)
	delete(e.hosts, h.id)
	h.pack.hosts = slices.DeleteFunc(h.pack.hosts, func(x *host) bool { return x == h })
	for _, id := range sortedGUIDs(h.strays) {
		e.strayOver(h, id)
	}
	several := len(h.runs) > 1
	for _, u := range slices.Clone(h.runs) {
		e.endRun(u, e.endingOfExit(u, h, was, exit, several))
	}
	e.packageWhenDone(h.pack)
}

// endingOfExit says how the end of its process ends a run.
func (e *Engine) endingOfExit(u *run, h *host, was HostState, exit Exit, several bool) ending {
	how := ending{exit: exit.Status, stderr: exit.Stderr}
	switch {
	case u.canceled():
		how.outcome, how.reason, how.forced = outcomeOfCancel(u), u.Reason, h.esc != escalateTerm
	case u.Failing != "":
		how.outcome, how.text = task.ActivationFailed, u.Failing
	case h.token.IsZero():
		how.outcome, how.text = task.Lost, "the application exited without reporting an outcome"
	case h.neverReturned:
		how.outcome, how.forced, how.text = task.Lost, true, fmt.Sprintf("its process did not reconnect within %v and was ended", task.AdoptionWindow)
	case !exit.Known && was == HostDetached:
		how.outcome, how.text = task.Lost, "its process ended while no broker was running"
	default:
		how.outcome, how.several = task.Crashed, several
	}
	return how
}
