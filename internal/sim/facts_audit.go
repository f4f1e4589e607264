package sim

import (
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// neverOverridden are facts that only their source speaks of, so that their edges
// can be counted beside the engine.
var neverOverridden = []string{task.FactNetwork, task.FactPower, task.FactSession, task.FactTimeZone}

// edges: what an edge fires, an edge was: between two known values.
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

// losses: a run whose condition fails is told to stop, soon after.
func (a *auditor) losses() {
	b := a.m.b
	if b == nil || len(b.inbox) > 0 {
		return
	}
	facts := a.facts()
	for id, r := range a.m.store.runs {
		book := a.runs[id]
		if r.State != engine.RunRunning || r.Waived || r.Outdated || !a.fails(a.m.store.regs[r.TaskID].Spec, facts) {
			book.failing = -1
			continue
		}
		switch {
		case book.failing < 0:
			book.failing = a.m.spent
		case a.m.spent-book.failing > task.LossDelay+time.Second:
			a.m.broken("run %s goes on, and its condition has failed for %v", short(id), a.m.spent-book.failing)
		}
	}
}

// fails says whether a condition that a run of spec depends on is known to fail.
func (a *auditor) fails(spec task.Spec, facts map[string]task.Value) bool {
	var conditions []task.Condition
	if spec.CancelOnConditionLoss {
		conditions = append(conditions, spec.Conditions...)
	}
	if _, ok := spec.Trigger.(task.MaintenanceTrigger); ok {
		conditions = append(conditions, task.ACPower)
	}
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

// elapsed: sleep, power-off and steps of the wall clock neither add to elapsed
// time nor take from it, as far as the machine's clocks can tell.
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

// rebooted: a clock that is wrong is found out only if it is behind what was stored.
func (a *auditor) rebooted(drift time.Duration) {
	m := a.m
	switch {
	case m.wrong != 0:
		m.exact = false
	case drift < 0 && m.now.Wall.Before(m.store.clock.Wall):
		m.wrong = -drift
	case drift != 0:
		m.exact = false
	}
}
