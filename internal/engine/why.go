// Why: the explanation of a registration (SEMANTICS section 8), from the same reasons
// that decide whether it starts, and the counterfactual: the smallest change that would
// let it run.

package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// Why explains what a registration waits for, from the same reasons that decide whether
// it starts.
func (e *Engine) Why(now Instant, id task.GUID) (task.Explanation, bool) {
	r := e.regs[id]
	if r == nil {
		return task.Explanation{}, false
	}
	e.peek(now)
	x := task.Explanation{At: e.now.Wall, Info: e.info(r), RunLimit: e.limitOf(r), Sources: e.Sources()}
	o := r.live
	if o == nil && len(r.pending) > 0 {
		o = r.pending[0]
	}
	if o != nil {
		x.Fired, x.First, x.Last, x.By, x.Number, x.Tries = o.Count, o.Observed, o.Last, e.byWhat(r, o), o.Number, o.Tries
	}
	for _, other := range r.pending {
		if r.live == nil && other != o {
			x.Fired += other.Count
			x.Last = other.Last
		}
	}
	x.Needs = e.needs(r, o)
	if r.run != nil {
		x.Use = e.useOf(r)
	}
	e.counterfactual(&x, r, o)
	return x, true
}

// useOf says how the host uses the class object of the live run: MultipleUse or
// SingleUse; "" if unknown.
func (e *Engine) useOf(r *reg) string {
	if h := e.hosts[r.run.Host]; h != nil {
		for _, o := range h.objects {
			if o.CLSID == r.Spec.EntryPoint && !o.SingleUse {
				return "MultipleUse"
			}
		}
		if h.single || len(h.objects) > 0 {
			return "SingleUse"
		}
	}
	return ""
}

// needs returns each condition with its verdict and the facts behind it.
func (e *Engine) needs(r *reg, o *occ) []task.NeedState {
	var all []task.NeedState
	for _, c := range r.conditions() {
		n := task.NeedState{Condition: c, Verdict: e.verdict(c), Waived: o != nil && o.Waived}
		for _, need := range c.Needs() {
			f := e.facts[need.Fact]
			if f == nil {
				n.Facts = append(n.Facts, task.Fact{Name: need.Fact, Since: e.now.Wall, Cause: task.CauseNoSource})
				continue
			}
			n.Facts = append(n.Facts, e.factView(f))
		}
		all = append(all, n)
	}
	return all
}

// counterfactual fills in the smallest change that would let the task run: what must
// become true, what must be over, and the earliest time.
func (e *Engine) counterfactual(x *task.Explanation, r *reg, o *occ) {
	x.Would = e.wants(r, o)
	if r.State == RegSuspended || r.State == RegSpent || r.State == RegRemoving {
		x.Never = true
	}
	if len(r.pending) == 0 {
		x.Earliest = x.Info.State.Next
		return
	}
	for _, w := range x.Info.State.Reasons {
		switch w.Kind {
		case task.WaitSuspended, task.WaitSettle, task.WaitBackoff, task.WaitRate, task.WaitCatchUp:
			x.Earliest = later(x.Earliest, w.Until)
		case task.WaitLiveRun, task.WaitExclusive, task.WaitPackageSlot, task.WaitOverallSlot, task.WaitLaunchSlot:
			x.After = append(x.After, afterWhat(r, w))
		case task.WaitAccess:
			x.After = append(x.After, "'bgtask access "+r.pack.Family+" allow'")
		case task.WaitEnergySaver:
			x.Would = append(x.Would, task.FactEnergySaver+"=no")
		case task.WaitServicing:
			x.After = append(x.After, e.afterServicing(r))
		}
	}
}

// afterServicing says what must be over before a package's runs start again.
func (e *Engine) afterServicing(r *reg) string {
	if e.stopping != nil {
		return "the next broker has started"
	}
	return "the update of " + r.pack.Family
}

// wants returns what must be true. For a pending occurrence, these are the unmet needs.
// For a registration that waits for its trigger, these are all needs, since the facts
// at that time are unknown.
func (e *Engine) wants(r *reg, o *occ) []string {
	if o != nil && o.Waived {
		return nil
	}
	var wants []string
	for _, c := range r.conditions() {
		v := e.verdict(c)
		if len(r.pending) > 0 && task.Satisfied(c, v) {
			continue
		}
		for _, n := range c.Needs() {
			if f := e.facts[n.Fact]; len(r.pending) == 0 || f == nil || !f.value().Known() || !n.Met(f.value()) {
				wants = append(wants, n.Want)
			}
		}
	}
	if len(r.pending) == 0 {
		slices.Sort(wants)
	}
	return slices.Compact(wants)
}

// afterWhat says what must be over, for a reason that ends with something else.
func afterWhat(r *reg, w task.Reason) string {
	switch w.Kind {
	case task.WaitLiveRun:
		return "its live run has ended"
	case task.WaitExclusive:
		return fmt.Sprintf("%s has ended (exclusive %q)", w.Detail, r.Spec.Exclusive)
	case task.WaitPackageSlot:
		return "another run of its package has ended"
	case task.WaitOverallSlot:
		return "another run has ended"
	}
	return afterLaunch(w.Detail)
}

func afterLaunch(detail string) string {
	switch detail {
	case noServer:
		return "an application that serves its class has started"
	case lastLaunch:
		return "the last launch of its class server has ended"
	case notAlone:
		return "the other runs in its class server have ended"
	}
	return "another launch has finished"
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
