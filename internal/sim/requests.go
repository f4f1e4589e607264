package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// happen is one random request of the user.
func (u *user) happen() {
	m, id := u.m, u.m.newID()
	family := pick(m, families...)
	t, some := u.anyTask()
	running := u.anyRunning(t.TaskID)
	switch n := m.rng.IntN(100); {
	case n < 25 || !some:
		u.register(id, family)
	case n < 30:
		u.ask(engine.Unregister{Request: id, Caller: all, TaskID: pick(m, t.TaskID, running), Cancel: m.chance(50)})
	case n < 50:
		u.fire(id, t)
	case n < 60:
		u.ask(engine.Raise{Request: id, Caller: all, EventID: pick(m, "go", "stop"), Payload: []byte("x")})
	case n < 68:
		reason := pick(m, task.ReasonAbort, task.ReasonAbort, task.ReasonLoggingOff, task.ReasonIdleTask, task.ReasonResourceRevocation)
		u.ask(engine.Cancel{Request: id, Caller: all, TaskID: running, Reason: reason, Kill: reason == task.ReasonAbort && m.chance(50)})
	case n < 73:
		u.ask(engine.Resume{Request: id, Caller: all, TaskID: t.TaskID})
	case n < 77:
		u.ask(engine.SetAccess{Request: id, Package: family, Access: pick(m, task.AlwaysAllowed, task.AllowedSubjectToSystemPolicy, task.DeniedByUser, task.AllowedSubjectToSystemPolicy)})
	case n < 78:
		u.ask(engine.RequestAccess{Request: id, Caller: engine.Caller{Package: family}})
	case n < 84:
		u.install(family)
	case n < 86:
		u.ask(engine.Uninstall{Request: id, Package: family})
	case n < 89:
		name := pick(m, task.FactInternet, task.FactOnAC, task.FactUser)
		u.ask(engine.OverrideFact{Request: id, Name: name, Value: pick(m, menu(name)...), For: pick(m, 0, time.Minute, time.Hour)})
	case n < 91:
		u.ask(engine.ClearOverride{Request: id})
	case n < 95:
		u.repeat()
	case n < 99:
		u.changeFiles(t.TaskID)
	default:
		u.stopBroker()
	}
}

// changeFiles makes a watcher see changes: one, or one each second while runs are
// short.
func (u *user) changeFiles(id task.GUID) {
	n := 1
	if u.m.chance(30) {
		n = 30
		u.m.hasty = u.m.spent + 30*time.Second
	}
	for _, r := range values(u.m.store.regs, compareIDs) {
		if _, ok := r.Spec.Trigger.(task.StorageLibraryContentChangedTrigger); ok {
			id = r.TaskID
		}
	}
	for i := range n {
		u.m.after(time.Duration(i)*time.Second, func() {
			u.m.deliver(engine.Occurred{TaskID: id, Details: task.StorageLibraryContentChangedTriggerDetails{Paths: []string{"/home/x"}}})
		})
	}
}

// stopBroker ends the broker: with StopAll, or by handing over.
func (u *user) stopBroker() {
	if u.m.chance(50) {
		for range pick(u.m, 1, 1, 2) {
			u.m.deliver(engine.StopAll{Request: u.m.newID(), Reason: task.ReasonTerminating, Within: u.m.between(0, 20*time.Second)})
		}
		return
	}
	u.m.deliver(engine.HandOver{})
	u.m.pump()
	if u.m.b != nil {
		u.m.die()
		u.m.after(u.m.between(0, 10*time.Second), u.m.start)
	}
}

func (u *user) anyTask() (engine.Registration, bool) {
	regs := values(u.m.store.regs, compareIDs)
	if len(regs) == 0 {
		return engine.Registration{}, false
	}
	return pick(u.m, regs...), true
}

// anyRunning returns a task with a live run, if there is one.
func (u *user) anyRunning(otherwise task.GUID) task.GUID {
	runs := values(u.m.store.runs, compareIDs)
	if len(runs) == 0 {
		return otherwise
	}
	return pick(u.m, runs...).TaskID
}

func (u *user) fire(id engine.RequestID, t engine.Registration) {
	_, app := t.Spec.Trigger.(task.ApplicationTrigger)
	u.ask(engine.Fire{Request: id, Caller: all, TaskID: t.TaskID, ByHand: !app || u.m.chance(30), Now: u.m.chance(20), Arguments: []byte("argument")})
}

// register makes a registration, or updates one.
func (u *user) register(id engine.RequestID, family string) {
	m := u.m
	ev := engine.Register{Request: id, Caller: all, Package: family, Ensure: m.chance(60)}
	if m.chance(12) {
		ev.Package = task.CommandPackage
		ev.Spec = task.Spec{EntryPoint: task.CommandClass, Command: &task.Command{Path: "/bin/backup", Dir: "/"}}
	} else {
		l := letters[family]
		ev.Spec.EntryPoint = class(l[m.rng.IntN(len(l))])
	}
	s := &ev.Spec
	s.Name = fmt.Sprintf("t%d", m.rng.IntN(4))
	s.Trigger = u.trigger()
	if t, ok := s.Trigger.(task.CalendarTrigger); ok && m.chance(50) {
		t.Zone, ev.Zone = "CET", zones[1]
		s.Trigger = t
	}
	u.options(s)
	if err := s.Validate(); err != nil {
		return
	}
	u.ask(ev)
}

func (u *user) trigger() task.Trigger {
	m := u.m
	every := pick(m, time.Minute, 15*time.Minute, 15*time.Minute, 20*time.Minute, 30*time.Minute, time.Hour, 7*time.Hour)
	once := m.chance(15)
	switch m.rng.IntN(9) {
	case 0, 1:
		return task.TimeTrigger{Freshness: every, OneShot: once}
	case 2:
		return task.MaintenanceTrigger{Freshness: every, OneShot: once}
	case 3:
		return task.CalendarTrigger{Expr: pick(m, "*/5 * * * *", "daily", "hourly", "30 2 * * *"), OneShot: once}
	case 4, 5:
		return task.SystemTrigger{Type: pick(m, edges()...).Type, OneShot: once}
	case 6:
		return task.CustomSystemEventTrigger{ID: pick(m, "go", "stop"), Recurrence: pick(m, task.Once, task.Always)}
	case 7:
		return task.StorageLibraryContentChangedTrigger{Paths: []string{"/home/x"}}
	}
	return task.ApplicationTrigger{}
}

// edges lists the system triggers that can fire.
func edges() []task.SystemTriggerRow {
	return slices.DeleteFunc(slices.Clone(task.SystemTriggerTypes()), func(r task.SystemTriggerRow) bool { return !r.Supported })
}

func (u *user) options(s *task.Spec) {
	m := u.m
	for n := m.rng.IntN(3); n > 0; n-- {
		s.Conditions = append(s.Conditions, pick(m, task.SystemConditions()...).Condition)
	}
	if len(s.Conditions) > 0 && m.chance(15) {
		s.Conditions[0] = task.OrUnknown(s.Conditions[0])
	}
	s.CancelOnConditionLoss = m.chance(40)
	s.Queue = pick(m, 0, 0, 0, 1, 3)
	s.Exclusive = pick(m, "", "", "", "key", "lock")
	s.Hold = pick(m, task.Hold{}, task.Hold{}, task.Hold{}, task.Hold{AtMost: 10 * time.Minute}, task.Hold{AtMost: time.Minute, Then: task.RunAnyway})
	s.Retry = pick(m, task.RetryPolicy{}, task.RetryPolicy{}, task.RetryPolicy{Attempts: 2, First: time.Second, Limit: time.Minute})
	s.RunLimit = pick(m, 0, 0, 0, 30*time.Second)
	if task.Timed(s.Trigger) {
		s.Misfire = pick(m, task.Misfire{}, task.Misfire{}, task.Misfire{Policy: task.Skip}, task.Misfire{Policy: task.RunAll, Max: 3})
	}
}
