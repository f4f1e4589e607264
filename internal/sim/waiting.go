package sim

import (
	"reflect"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// reasons checks that whatever waits has a reason, and that the reason is true.
func (a *auditor) reasons() {
	b := a.m.b
	if b == nil || b.wake == 0 && len(b.inbox) > 0 {
		return
	}
	for _, i := range b.engine.Tasks(a.m.now, engine.Filter{All: true}) {
		if i.State.Waiting > 0 && i.State.Run == nil && len(i.State.Reasons) == 0 {
			a.m.broken("%s of %s waits for nothing", i.Spec.Name, i.Package)
		}
		ghost := false
		for _, r := range i.State.Reasons {
			a.reached["waits for "+r.Kind.String()]++
			ghost = ghost || r.Kind == task.WaitLiveRun && i.State.Run == nil
			a.slotsTaken(i, r.Kind)
		}
		a.ghost(i, ghost)
	}
}

// slotsTaken checks that a task waits for a slot only if all are taken.
func (a *auditor) slotsTaken(i task.Info, why task.ReasonKind) {
	all, pack := 0, 0
	for _, r := range a.m.store.runs {
		if r.State == engine.RunUnresponsive {
			continue
		}
		all++
		if a.m.store.regs[r.TaskID].Package == i.Package {
			pack++
		}
	}
	if why == task.WaitPackageSlot && pack < a.m.cfg.Policy.RunsPerPackage || why == task.WaitOverallSlot && all < a.m.cfg.Policy.RunsAtOnce {
		a.m.broken("%s of %s waits for a %v, and %d of its package and %d in all are live", i.Spec.Name, i.Package, why, pack, all)
	}
}

// ghost checks that a stray instance for which a registration waits exists. When it is
// over, the broker learns of it soon.
func (a *auditor) ghost(i task.Info, waits bool) {
	b := a.book(i.TaskID)
	switch {
	case !waits || len(b.live) > 0 || a.m.unreported(i.TaskID):
		b.ghost = -1
	case b.ghost < 0:
		b.ghost = a.m.spent
	case a.m.spent-b.ghost > 30*time.Second:
		a.m.broken("%s of %s waits for a stray instance, but none runs", i.Spec.Name, i.Package)
	}
}

// unreported reports whether a process has a result of the task that it could not
// report yet.
func (m *machine) unreported(id task.GUID) bool {
	for _, p := range m.living() {
		for _, i := range p.instances {
			if i.taskID == id {
				return true
			}
		}
	}
	return false
}

// subscriptions checks that facts have only users that wait or run: a change of a fact
// must cost nothing for the others.
func (m *machine) subscriptions() {
	facts := reflect.ValueOf(m.b.engine).Elem().FieldByName("facts")
	for it := facts.MapRange(); it.Next(); {
		for of := it.Value().Elem().FieldByName("users").MapRange(); of.Next(); {
			r := of.Key().Elem()
			if r.FieldByName("pending").Len() == 0 && r.FieldByName("live").IsNil() {
				m.broken("fact %s is watched for a registration that waits for nothing", it.Key())
			}
		}
	}
}
