// The promises that are checked at every commit: counts, limits, deadlines, and the
// order of storing and acting (SEMANTICS section 9, "Always true").

package sim

import (
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// cancelMost returns how long a launched server may live after the cancel of a run in
// it: its grace, the grace of the others, SIGTERM to SIGKILL and one second, plus the
// time that frames and the search for processes take.
func (m *machine) cancelMost() time.Duration {
	grace := m.cfg.Policy.WithDefaults().CancelGrace
	return grace + grace + task.KillDelay + time.Second + 1500*time.Millisecond
}

func (a *auditor) cancelInTime(id task.GUID, b *runBook) {
	if !b.canceled || b.since < 0 || b.token.IsZero() {
		return
	}
	p := a.m.process(b.host)
	if p == nil || p.held {
		return
	}
	if took := a.m.spent - b.since; took > a.m.cancelMost() {
		a.m.broken("run %s in a launched server lives %v after its cancel", short(id), took)
	}
}

// counts checks that every firing is in exactly one occurrence.
func (a *auditor) counts(id task.GUID) {
	l, ok := a.m.store.ledgers[id]
	b := a.book(id)
	occs := a.m.store.occs[id]
	if !ok {
		if len(occs) > 0 {
			a.m.broken("%s is gone and has %d occurrences", b.name, len(occs))
		}
		return
	}
	n, live := b.ended, 0
	for _, o := range occs {
		n += o.Count
		switch o.State {
		case engine.OccLive:
			live++
		case engine.OccEnded:
			a.m.broken("an ended occurrence of %s is stored", b.name)
		}
		if _, over := b.ends[o.Number]; over {
			a.m.broken("occurrence %d of %s has ended and is there", o.Number, b.name)
		}
	}
	if n != int(l.Firing) {
		a.m.broken("%s was fired %d times, but %d firings are accounted for", b.name, l.Firing, n)
	}
	if live > 1 {
		a.m.broken("%s has %d live occurrences", b.name, live)
	}
	a.gridPoints(id, l, b)
}

// gridPoints checks that each grid point was fired or recorded as missed.
func (a *auditor) gridPoints(id task.GUID, l engine.Ledger, b *taskBook) {
	t, ok := a.m.store.regs[id].Spec.Trigger.(task.TimeTrigger)
	if !ok || t.OneShot || l.State == engine.RegRemoving {
		return
	}
	if points := int((l.Next-l.Grid)/t.Freshness) - 1; points != b.byTimer+b.missed {
		a.m.broken("%s had %d grid points: %d fired and %d were missed", b.name, points, b.byTimer, b.missed)
	}
}

// liveRuns checks that a live occurrence has one run and that keys and slots are not
// given out twice.
func (a *auditor) liveRuns(started map[string]bool) {
	keys := map[[2]string]task.GUID{}
	byTask := map[task.GUID]bool{}
	perPack := map[string]int{}
	all := 0
	for _, r := range values(a.m.store.runs, compareIDs) {
		if byTask[r.TaskID] {
			a.m.broken("%s has two runs", a.book(r.TaskID).name)
		}
		byTask[r.TaskID] = true
		if o, ok := a.m.store.occs[r.TaskID][r.First]; !ok || o.State != engine.OccLive || o.Number != r.Number {
			a.m.broken("run %s of %s has no live occurrence", short(r.ID), a.book(r.TaskID).name)
		}
		pack := a.m.store.regs[r.TaskID].Package
		if key := a.runs[r.ID].key; key != "" {
			if other, taken := keys[[2]string{pack, key}]; taken {
				a.m.broken("key %q of %s is held twice, by %s and %s", key, pack, short(other), short(r.ID))
			}
			keys[[2]string{pack, key}] = r.ID
		}
		if r.State != engine.RunUnresponsive {
			perPack[pack]++
			all++
		}
	}
	for id, occs := range a.m.store.occs {
		for _, o := range occs {
			if o.State == engine.OccLive && !byTask[id] {
				a.m.broken("%s has a live occurrence without a run", a.book(id).name)
			}
		}
	}
	for pack, single := range started { // a run that responds again may be one too many, but no other starts beside it
		if n := perPack[pack]; single && n > a.m.cfg.Policy.RunsPerPackage {
			a.m.broken("package %s has %d live runs", pack, n)
		}
		if single && all > a.m.cfg.Policy.RunsAtOnce {
			a.m.broken("%d runs are live", all)
		}
	}
}

// launches checks that each class server has at most one launch in flight, and that
// there are not too many.
func (a *auditor) launches() {
	n := 0
	servers := map[string]bool{}
	for _, l := range values(a.m.store.launches, func(x, y task.LaunchToken) int { return slices.Compare(x[:], y[:]) }) {
		if l.State != engine.ServerLaunching {
			continue
		}
		n++
		key := l.Package + " " + l.Server.Key()
		if servers[key] {
			a.m.broken("two launches of %s are in flight", key)
		}
		servers[key] = true
	}
	if n > a.m.cfg.Policy.Launches {
		for _, l := range a.m.store.launches {
			a.m.printf("        launch %v %s %v", l.Token, l.Server.Executable, l.State)
		}
		a.m.broken("%d launches are in flight", n)
	}
}

// deadlines checks that everything that waits for time has a wake, and that nothing is
// overdue.
func (a *auditor) deadlines(w batch) {
	now := a.m.now
	if w.wake != 0 && w.wake <= now.Boot {
		return // it continues immediately
	}
	elapsed := a.m.store.clock.Base + now.Boot
	needs := time.Duration(0) // the latest allowed wake
	need := func(at time.Duration) {
		if needs == 0 || at < needs {
			needs = at
		}
	}
	for _, r := range a.m.store.runs {
		switch r.State {
		case engine.RunStarting:
			need(now.Boot + 2*task.StartTimeout)
		case engine.RunSent:
			need(now.Boot + task.AdoptionWindow)
		case engine.RunCanceling:
			need(now.Boot + task.AdoptionWindow)
		}
	}
	for id, l := range a.m.store.ledgers {
		if l.Disarmed || l.State != engine.RegActive && l.State != engine.RegSuspended {
			continue
		}
		if l.Next > 0 {
			if l.Next <= elapsed {
				a.m.broken("%s was due %v ago", a.book(id).name, elapsed-l.Next)
			}
			need(now.Boot + l.Next - elapsed)
		}
		if !l.NextWall.IsZero() {
			if !l.NextWall.After(now.Wall) {
				a.m.broken("%s was due at %v", a.book(id).name, l.NextWall)
			}
			need(now.Boot + l.NextWall.Sub(now.Wall))
		}
	}
	if needs != 0 && (w.wake == 0 || w.wake > needs) {
		a.m.broken("the engine is not woken in time: it asked for %v and needs %v", w.wake, needs)
	}
}

// sends checks that nothing is sent or started that is not committed, and that no run
// is sent without its conditions.
func (a *auditor) sends(w batch) {
	var facts map[string]task.Value
	for _, act := range w.actions {
		switch act := act.(type) {
		case engine.StartServer:
			if l := a.m.store.launches[act.Token]; l.State != engine.ServerLaunching {
				a.m.broken("launch %s is started, but that is not committed", short(task.GUID(act.Token)))
			}
		case engine.Activate:
			if facts == nil {
				facts = a.facts()
			}
			a.send(act, facts)
		}
	}
}

func (a *auditor) facts() map[string]task.Value {
	facts := map[string]task.Value{}
	for _, f := range a.m.b.engine.Facts(a.m.now) {
		facts[f.Name] = f.Value
	}
	return facts
}

func (a *auditor) send(act engine.Activate, facts map[string]task.Value) {
	r, ok := a.m.store.runs[act.Activation.Instance]
	if !ok || r.State == engine.RunStarting {
		return // it ended in the same step
	}
	reg := a.m.store.regs[r.TaskID]
	p := a.m.store.packages[reg.Package]
	if !p.Access.Allowed() || p.Removing {
		a.m.broken("%s is sent although its package may not run", reg.Spec.Name)
	}
	if r.Waived || r.Outdated {
		return
	}
	for _, c := range reg.Spec.Conditions {
		_, orUnknown := task.CutUnknown(c)
		for _, n := range c.Needs() {
			v := facts[n.Fact]
			if v.Known() && !n.Met(v) || !v.Known() && !orUnknown {
				a.m.broken("%s is sent although %v does not hold: %s is %v", reg.Spec.Name, c, n.Fact, v)
			}
		}
	}
}

// performed checks an action: what it announces was stored, and no process is ended
// before its grace is over.
func (a *auditor) performed(act engine.Action) {
	switch act := act.(type) {
	case engine.CancelRun:
		if b := a.runs[act.Instance]; b != nil && !b.ended && !b.canceled {
			a.m.broken("run %s is canceled, but that is not committed", short(act.Instance))
		}
	case engine.Signal:
		a.innocent(act)
	case engine.StartServer:
		a.before(act)
	}
}

// before checks that the last failed launch of a class server has ended, with its whole
// tree, before the next one.
func (a *auditor) before(s engine.StartServer) {
	for token, l := range a.m.store.launches {
		t := a.m.trees[token]
		if l.State != engine.ServerEnding || a.up[token] || l.Package != s.Package || l.Server.Key() != s.Server.Key() || t == nil {
			continue
		}
		if !slices.ContainsFunc(t.all, func(p *process) bool { return p.held }) {
			a.m.broken("launch %s begins before %s, which failed, has ended", short(task.GUID(s.Token)), short(task.GUID(token)))
		}
	}
}

// innocent checks that the other runs of a process that is ended had their own grace.
func (a *auditor) innocent(s engine.Signal) {
	if a.m.b.stops {
		return // the user or the system set the time
	}
	grace := a.m.cfg.Policy.WithDefaults().CancelGrace
	for _, r := range values(a.m.store.runs, compareIDs) {
		b := a.runs[r.ID]
		if r.Host == s.Process && !a.book(r.TaskID).kill && r.Reason == task.ReasonTerminating && b.since >= 0 && a.m.spent-b.since < grace {
			a.m.broken("run %s has only %v to end before its process is", short(r.ID), a.m.spent-b.since)
		}
	}
}

// refused checks that the run of a host that refused is over or elsewhere: the host has
// not entered Run.
func (a *auditor) refused(ev engine.Event) {
	x, ok := ev.(engine.Refused)
	if !ok {
		return
	}
	if r, there := a.m.store.runs[x.Instance]; there && r.Host == x.Host && r.Entered.IsZero() && r.State != engine.RunStarting {
		a.m.broken("run %s is %v although its host has refused it", short(x.Instance), r.State)
	}
}

// overdue checks that no run in a launched server lives long after its cancel.
func (a *auditor) overdue() {
	for _, r := range values(a.m.store.runs, compareIDs) {
		a.cancelInTime(r.ID, a.runs[r.ID])
	}
}
