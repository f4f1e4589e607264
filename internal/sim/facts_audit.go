package sim

import (
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// neverOverridden are facts that only their source sets, so that their edges can be
// computed without the engine.
var neverOverridden = []string{task.FactNetwork, task.FactPower, task.FactSession, task.FactTimeZone}

// edges checks that what an edge fired was an edge: a change between two known values.
func (a *auditor) edges(w batch) {
	for _, wr := range w.writes {
		ap, ok := wr.(engine.Append)
		if !ok || ap.Event.Kind != task.EventFired || len(w.events) != 1 {
			continue
		}
		t, ok := a.m.store.regs[ap.Event.TaskID].Spec.Trigger.(task.SystemTrigger)
		report, reported := w.events[0].(engine.FactsReported)
		if ok && reported && ap.Event.Text == "by "+t.Type.String() {
			a.wasEdge(t.Type, report)
		}
	}
	for _, ev := range w.events {
		if report, ok := ev.(engine.FactsReported); ok {
			for _, f := range report.Facts {
				if f.Value.Known() {
					a.known[f.Name] = f.Value
				}
			}
		}
	}
}

func (a *auditor) wasEdge(t task.SystemTriggerType, report engine.FactsReported) {
	row, _ := t.Row()
	for _, name := range neverOverridden {
		if name != row.Fact {
			continue
		}
		for _, f := range report.Facts {
			if f.Name == name && !t.Fires(a.known[name], f.Value) {
				a.m.broken("%v fired: %s was %v and is %v", t, name, a.known[name], f.Value)
			}
		}
	}
}

// losses checks that every run whose condition has failed for the loss delay was
// canceled.
func (a *auditor) losses() {
	if a.m.b == nil || len(a.m.b.inbox) > 0 {
		return
	}
	a.noteLosses()
	for id := range a.m.store.runs {
		if since := a.runs[id].failing; since >= 0 && a.m.spent-since > task.LossDelay+time.Second {
			a.m.broken("run %s continues although its condition has failed for %v", short(id), a.m.spent-since)
		}
	}
}

// noteLosses notes since when a condition of each running run has failed without a
// break. The machine calls it after every step of the engine: a fact that holds for
// an instant only, between two steps of a history, starts the loss delay anew.
func (a *auditor) noteLosses() {
	var facts map[string]task.Value // read when first needed
	for id, r := range a.m.store.runs {
		book := a.runs[id]
		needed := losable(a.m.store.regs[r.TaskID].Spec)
		if r.State != engine.RunRunning || r.Waived || r.Outdated || len(needed) == 0 {
			book.failing = -1
			continue
		}
		if facts == nil {
			facts = a.facts()
		}
		switch {
		case !fails(needed, facts):
			book.failing = -1
		case book.failing < 0:
			book.failing = a.m.spent
		}
	}
}

// losable returns the conditions whose loss cancels a run of spec.
func losable(spec task.Spec) []task.Condition {
	var conditions []task.Condition
	if spec.CancelOnConditionLoss {
		conditions = append(conditions, spec.Conditions...)
	}
	if _, ok := spec.Trigger.(task.MaintenanceTrigger); ok {
		conditions = append(conditions, task.ACPower)
	}
	return conditions
}

// fails reports whether one of the conditions is known to fail.
func fails(conditions []task.Condition, facts map[string]task.Value) bool {
	for _, c := range conditions {
		fails, unsure := false, false
		for _, n := range c.Needs() {
			v := facts[n.Fact]
			fails = fails || v.Known() && !n.Met(v)
			unsure = unsure || !v.Known()
		}
		if fails && !unsure {
			return true
		}
	}
	return false
}

// elapsed checks that elapsed time is real time, whatever sleep, power-off and steps of
// the wall clock did, as far as the machine's clocks show it.
func (a *auditor) elapsed() {
	m := a.m
	if m.b == nil || !m.exact || m.wrong != 0 {
		return
	}
	have := m.store.clock.Base + m.now.Boot - a.began
	if a.began == 0 {
		a.began = have - m.real
		return
	}
	if off := have - m.real; off.Abs() > time.Second {
		m.broken("elapsed time is wrong by %v", off)
	}
}

// rebooted notes that the wall clock of this boot is off by drift. Two wrong boots in
// a row, and a clock that is ahead, leave no way to measure the time off.
func (a *auditor) rebooted(drift time.Duration) {
	m := a.m
	if m.wrong != 0 || m.drift != 0 || drift > 0 {
		m.exact = false
	}
	m.drift = drift
}

// clockRead checks whether a broker that starts can notice a clock that is behind: it
// can if no broker has stored a time of this boot, and the clock has not yet passed the
// time that the last boot stored. While the broker does not run, the clock may pass it.
func (a *auditor) clockRead() {
	m := a.m
	switch {
	case m.drift >= 0 || m.store.clock.Boot == m.now.ID:
	case m.now.Wall.Before(m.store.clock.Wall):
		m.wrong = -m.drift
	default:
		m.exact = false
	}
}
