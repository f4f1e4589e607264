// Conditions of one registration (SEMANTICS section 3): whether they hold, since when,
// and what their loss does to a live run. An unmet condition is a state, never a retry:
// a registration with something pending or live subscribes to the facts that its
// conditions use, and is advanced when one changes. Nothing polls. A condition that
// flaps must become cheaper, not more expensive: a loss counts only after
// task.LossDelay, and after each loss the conditions must hold for longer before the
// next start.

package engine

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// conditions returns all conditions of r, including those that its trigger implies.
func (r *reg) conditions() []task.Condition {
	return task.AllConditions(r.Spec.Trigger, r.Spec.Conditions)
}

// verdict returns what the facts say about a condition now.
func (e *Engine) verdict(c task.Condition) task.Verdict { return c.Verdict(e.facts) }

// factTable holds the facts by name. A condition's verdict reads it.
type factTable map[string]*fact

// Value returns the value of a fact; Unknown if there is no such fact.
func (t factTable) Value(name string) task.Value {
	if f := t[name]; f != nil {
		return f.value()
	}
	return task.Unknown
}

// holds reports whether every condition holds. An unsure one counts as the registration
// says.
func (e *Engine) holds(r *reg) bool {
	for _, c := range r.conditions() {
		if !task.Satisfied(c, e.verdict(c)) {
			return false
		}
	}
	return true
}

// noteHolding keeps since when all conditions hold without a break, and reports whether
// they do.
func (e *Engine) noteHolding(r *reg) bool {
	switch ok := e.holds(r); {
	case !ok:
		r.holdsSince = -1
	case r.holdsSince < 0:
		r.holdsSince = e.clock.elapsed
	}
	return r.holdsSince >= 0
}

// subscribe re-evaluates r when a fact its conditions use changes. It is needed
// while an occurrence of r is pending or live.
func (e *Engine) subscribe(r *reg) {
	for _, c := range r.conditions() {
		for _, n := range c.Needs() {
			e.fact(n.Fact).users[r] = struct{}{}
		}
	}
	e.noteHolding(r)
}

// unsubscribe ends the subscription: changes of facts no longer cost anything for r.
func (e *Engine) unsubscribe(r *reg) {
	for _, c := range r.conditions() {
		for _, n := range c.Needs() {
			if f := e.facts[n.Fact]; f != nil {
				delete(f.users, r)
			}
		}
	}
	r.holdsSince = -1
}

// unsubscribeIfIdle ends the subscription if nothing of r is pending or live.
func (e *Engine) unsubscribeIfIdle(r *reg) {
	if r.live == nil && len(r.pending) == 0 {
		e.unsubscribe(r)
	}
}

// lossReason reports whether a condition that matters to the live run fails now, and
// the reason with which the run would be canceled. Unsure cancels nothing.
func (e *Engine) lossReason(r *reg) (task.CancellationReason, bool) {
	if r.run == nil || r.run.Waived || r.run.Outdated {
		return 0, false
	}
	if r.Spec.CancelOnConditionLoss {
		for _, c := range r.Spec.Conditions {
			if e.verdict(c) == task.Fails {
				return task.ReasonConditionLoss, true
			}
		}
	}
	if _, ok := r.Spec.Trigger.(task.MaintenanceTrigger); ok && e.verdict(task.ACPower) == task.Fails {
		return task.ReasonAbort, true
	}
	return 0, false
}

// watchConditions cancels a live run whose condition has failed for task.LossDelay. A
// run that is not sent yet, or that is canceled already, is left alone.
func (e *Engine) watchConditions(r *reg) {
	reason, lost := e.lossReason(r)
	switch {
	case !lost || r.run.State == RunStarting || r.run.State == RunCanceling || r.run.State == RunUnresponsive:
		r.notLost()
	case r.lostSince == 0:
		r.writeCold().lostSince = e.clock.elapsed
	case e.clock.elapsed >= r.lostSince+task.LossDelay:
		r.notLost()
		e.cancel(r.run, reason, false)
	}
}

// notLost stops the loss delay.
func (r *reg) notLost() {
	if r.lostSince != 0 {
		r.writeCold().lostSince = 0
	}
}

// nextLoss returns when the loss delay ends; 0 if no condition has failed.
func (e *Engine) nextLoss(r *reg) time.Duration {
	if r.lostSince == 0 {
		return 0
	}
	return r.lostSince + task.LossDelay
}

// settleTime returns how long conditions must have held after the n-th loss in a row.
func settleTime(n int32) time.Duration {
	if n == 0 {
		return 0
	}
	d := task.SettleFirst
	for i := int32(1); i < n && d < task.SettleMost; i++ {
		d *= 2
	}
	return min(d, task.SettleMost)
}
