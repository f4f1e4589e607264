package engine

import (
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
