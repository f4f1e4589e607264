// Why an occurrence waits: the closed list of SEMANTICS section 8, in its order. This
// list decides, and why prints it, so an explanation cannot differ from the decision.
// Reasons come in two kinds. An occurrence's own reasons depend on its registration,
// its package and the facts; without any of them it joins the ready queue. Shared
// reasons are the keys and slots that other runs hold; admission checks them again each
// time something is freed. A reason with a time ends by itself and gets a deadline;
// every other one ends by an event that touches the registration. Nothing polls.

package engine

import (
	"fmt"
	"time"

	"github.com/bgtask/bgtask/task"
)

// reason is one thing that a pending occurrence waits for.
type reason struct {
	kind   task.ReasonKind
	cond   task.Condition
	nth    uint8         // of the condition among all of the registration, from 1
	until  time.Duration // elapsed, when it ends by itself; 0: unknown
	detail func() string // for people; nil: nothing to add
}

// ownReasons lists what the occurrence waits for, except the keys and slots that other
// runs hold. The order is that of the contract.
func (e *Engine) ownReasons(r *reg, o *occ) []reason {
	var all []reason
	add := func(k task.ReasonKind, until time.Duration, detail func() string) {
		all = append(all, reason{kind: k, until: until, detail: detail})
	}
	now := e.clock.elapsed
	if r.State == RegSuspended && now < r.Probe {
		add(task.WaitSuspended, r.Probe, func() string { return r.Text })
	}
	if !r.pack.Access.Allowed() {
		add(task.WaitAccess, 0, func() string { return r.pack.Access.String() })
	}
	if r.pack.Servicing || r.pack.Removing || e.stopping != nil {
		add(task.WaitServicing, 0, e.servicingDetail(r))
	}
	if e.heldByEnergySaver(r) {
		add(task.WaitEnergySaver, 0, e.saverDetail)
	}
	// Waived conditions need not settle either.
	if !o.Waived {
		all = e.unmet(all, r)
		if settle := settleTime(r.Losses); settle > 0 && r.holdsSince >= 0 && now < r.holdsSince+settle {
			add(task.WaitSettle, r.holdsSince+settle, func() string { return counted(int(r.Losses), "lost once", "lost %d times in a row") })
		}
	}
	if now < r.NotBefore {
		add(task.WaitBackoff, r.NotBefore, nil)
	}
	if until := e.rateUntil(r, o); until > now {
		add(task.WaitRate, until, nil)
	}
	if now < o.CatchUp {
		add(task.WaitCatchUp, o.CatchUp, nil)
	}
	if r.run != nil {
		add(task.WaitLiveRun, 0, func() string { return e.runDetail(r.run) })
	} else if r.strays > 0 {
		add(task.WaitLiveRun, 0, func() string { return "a process still runs an instance that the broker has abandoned" })
	}
	return all
}

// counted formats a number with the singular or the plural text.
func counted(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// waitsFor is the reason that a condition with this verdict gives.
var waitsFor = map[task.Verdict]task.ReasonKind{task.Fails: task.WaitCondition, task.Unsure: task.WaitUnsure}

// unmet appends the conditions that do not hold: first those that fail, then those that
// are unsure.
func (e *Engine) unmet(all []reason, r *reg) []reason {
	for _, kind := range []task.ReasonKind{task.WaitCondition, task.WaitUnsure} {
		for i, c := range r.conditions() {
			if v := e.verdict(c); !task.Satisfied(c, v) && kind == waitsFor[v] {
				all = append(all, reason{kind: kind, cond: c, nth: uint8(i + 1)})
			}
		}
	}
	return all
}

func (e *Engine) servicingDetail(r *reg) func() string {
	switch {
	case e.stopping != nil:
		return func() string { return "the broker is stopping" }
	case r.pack.Removing:
		return func() string { return "its package is being removed" }
	}
	return func() string { return "its package is being updated" }
}

// heldByEnergySaver reports whether the energy saver holds r: it holds timed work of
// packages that are AllowedSubjectToSystemPolicy. While the source of the energy saver
// is still starting, that work is held too, so that a broker start does not run it by
// mistake.
func (e *Engine) heldByEnergySaver(r *reg) bool {
	f := e.facts[task.FactEnergySaver]
	return f != nil && (f.value() == task.Yes || e.energySaverPending()) && task.Timed(r.Spec.Trigger) && r.pack.Access == task.AllowedSubjectToSystemPolicy
}

func (e *Engine) saverDetail() string {
	if e.energySaverPending() {
		return task.CauseSourceStarting.String()
	}
	return ""
}

// rateUntil returns when one more start by an edge is allowed; 0 means now.
func (e *Engine) rateUntil(r *reg, o *occ) time.Duration {
	if o.By != ByEdge && o.By != ByWatch || len(r.Starts) < task.StartsByEdges {
		return 0
	}
	return r.Starts[len(r.Starts)-task.StartsByEdges] + rateWindow(r)
}

// rateWindow returns the window of the rate limit. It is shorter for connections:
// others make them, and a server may take one with each run.
func rateWindow(r *reg) time.Duration {
	if _, ok := r.Spec.Trigger.(task.SocketActivityTrigger); ok {
		return task.SocketRateWindow
	}
	return task.RateWindow
}

// runDetail describes the live run that an occurrence waits for. For an unresponsive
// one it names the remedy.
func (e *Engine) runDetail(u *run) string {
	if u.State == RunUnresponsive {
		return fmt.Sprintf("pid %d has not responded since %s; 'bgtask cancel --kill %s' ends it", u.Host.PID, u.UnresponsiveSince.Format(time.TimeOnly), u.reg.Spec.Name)
	}
	if u.Host.IsZero() {
		return u.State.String()
	}
	return fmt.Sprintf("pid %d", u.Host.PID)
}

// sharedReasons lists the keys and slots held by other runs that r would need.
func (e *Engine) sharedReasons(r *reg) []reason {
	var all []reason
	add := func(k task.ReasonKind, detail func() string) {
		all = append(all, reason{kind: k, detail: detail})
	}
	if holder := e.keyHolder(r); holder != nil {
		add(task.WaitExclusive, func() string { return holder.Spec.Name })
	}
	if r.pack.live >= e.cfg.Policy.RunsPerPackage {
		add(task.WaitPackageSlot, func() string {
			return counted(r.pack.live, "1 run of the package is live", "%d runs of the package are live")
		})
	}
	if e.slots.live >= e.cfg.Policy.RunsAtOnce {
		add(task.WaitOverallSlot, func() string { return counted(e.slots.live, "1 run is live", "%d runs are live") })
	}
	if e.mustBeAlone(r) {
		add(task.WaitLaunchSlot, func() string { return notAlone })
	} else if detail := e.launchBlocked(r); detail != "" {
		add(task.WaitLaunchSlot, func() string { return detail })
	}
	return all
}

// nextReason returns when the first of the front occurrence's reasons ends by itself.
func (e *Engine) nextReason(r *reg) (at time.Duration) {
	if len(r.pending) == 0 {
		return 0
	}
	for _, w := range e.ownReasons(r, r.pending[0]) {
		if w.until > e.clock.elapsed {
			at = earlier(at, w.until)
		}
	}
	return at
}

// updateReady puts r into the ready queue if its front occurrence has no reasons of its
// own, and takes it out otherwise.
func (e *Engine) updateReady(r *reg) {
	if len(r.pending) == 0 {
		e.dequeue(r)
		return
	}
	e.noteHolding(r)
	if len(e.ownReasons(r, r.pending[0])) > 0 {
		e.dequeue(r)
		return
	}
	e.enqueue(r)
}
