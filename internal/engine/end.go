package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// escalation is how a process is ended: first the others that it runs get their
// grace, then SIGTERM, then SIGKILL, then it is given up as unresponsive.
type escalation uint8

const (
	escalateTerm escalation = iota // the next step: SIGTERM
	escalateKill
	escalateGiveUp
	escalated
)

// signalNext sends the next signal and says how long to wait for its effect; false
// when there is none left.
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

// endHost ends a host's process: it gets no new activation, its other live runs
// are cancelled with Terminating and get one grace of their own.
func (e *Engine) endHost(h *host) {
	if h.state == HostEnding || h.state == HostGone {
		return
	}
	e.moveHost(h, HostEnding)
	h.objects = nil
	h.esc = escalateTerm
	if l := e.launches[h.token]; l != nil && l.State == ServerUp {
		e.moveLaunch(l, ServerEnding)
		if len(h.runs) > 0 && !h.singleUse() {
			l.blocks = true
			l.server.ending++
		}
	}
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

// singleUse: the process of a SingleUse class harms no other run when it is ended
// slowly, so the next launch need not wait for it.
func (h *host) singleUse() bool { return len(h.served) > 0 && len(h.runs) <= 1 && h.single }

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

// exited: the process is gone, so its code no longer runs.
func (e *Engine) exited(ev Exited) {
	h := e.hosts[ev.Process]
	if h != nil {
		e.hostGone(h, ev.Exit)
	}
	l := e.launches[ev.Token]
	if l == nil || l.Process != ev.Process && !l.Process.IsZero() {
		return
	}
	switch l.State {
	case ServerLaunching:
		e.closeLaunch(l)
	case ServerUp:
		e.moveLaunch(l, ServerEnding)
	}
	if !l.adopted {
		e.failWaiters(l, ending{outcome: task.ActivationFailed, exit: ev.Exit.Status, stderr: ev.Exit.Stderr, text: "class not registered"})
	}
	e.awake.arm(&l.timer, 0) // what is left of its tree is being ended; TreeEnded tells
}

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

// treeLeft: what no signal ends may still run a task, so the runs of these processes
// have no outcome before they are gone. Nobody else waits for that.
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

// hostGone gives every run of the host its outcome.
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

// endingOf says what the end of its process makes of a run.
func (e *Engine) endingOfExit(u *run, h *host, was HostState, exit Exit, several bool) ending {
	how := ending{exit: exit.Status, stderr: exit.Stderr}
	switch {
	case u.canceled():
		how.outcome, how.reason, how.forced = outcomeOfCancel(u), u.Reason, h.esc != escalateTerm
	case u.Failing != "":
		how.outcome, how.text = task.ActivationFailed, u.Failing
	case h.token.IsZero():
		how.outcome, how.text = task.Lost, "the application is gone without a word"
	case h.neverReturned:
		how.outcome, how.forced, how.text = task.Lost, true, fmt.Sprintf("its process was silent for %v and was ended", task.AdoptionWindow)
	case !exit.Known && was == HostDetached:
		how.outcome, how.text = task.Lost, "its process ended while no broker was there"
	default:
		how.outcome, how.several = task.Crashed, several
	}
	return how
}
