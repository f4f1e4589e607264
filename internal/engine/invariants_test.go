package engine

// check compares every state that a transcript passes through with the invariants in
// section 9 of the contract.
func (w *world) check(out Output) {
	if w.e == nil || out.Defect != nil {
		return
	}
	live, launches := 0, 0
	for _, r := range w.e.regs {
		w.checkReg(r)
	}
	for _, u := range w.e.runs {
		if u.counts {
			live++
		}
	}
	for _, l := range w.e.launches {
		if l.slot {
			launches++
		}
	}
	if live != w.e.slots.live || launches != w.e.slots.launches {
		w.printf("BROKEN  slots: %+v, %d runs and %d launches count", w.e.slots, live, launches)
	}
	for _, p := range w.e.packages {
		for _, h := range p.hosts {
			if w.e.hosts[h.id] != h {
				w.printf("BROKEN  host %v of %s is not known", h.id, p.Family)
			}
			if h.state == HostDetached && h.timer.index == 0 {
				w.printf("BROKEN  host %v is detached without a deadline", h.id)
			}
		}
	}
}

func (w *world) checkReg(r *reg) {
	broken := func(what string) { w.printf("BROKEN  %s: %s", r.Spec.Name, what) }
	if (r.live == nil) != (r.run == nil) {
		broken("a live occurrence has exactly one run")
	}
	if r.State == RegRemoving && r.run == nil && r.strays == 0 {
		broken("removed, and still there")
	}
	if len(r.pending) == 0 || r.queued {
		return
	}
	if len(w.e.reasons(r, r.pending[0])) == 0 {
		broken("it is pending without a reason")
	}
	for _, c := range r.conditions() {
		for _, n := range c.Needs() {
			if _, ok := w.e.facts[n.Fact].users[r]; !ok {
				broken("a change of " + n.Fact + " would not reach it")
			}
		}
	}
	for _, why := range w.e.ownReasons(r, r.pending[0]) {
		if why.until > 0 && r.elapsed.index == 0 {
			broken("it waits for a time without a deadline")
		}
	}
}
