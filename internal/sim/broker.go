// The broker of the simulation: the loop that steps the engine, commits, performs
// actions and arms one timer, with a plan for where it dies.

package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// broker is one life of the broker around an engine.
type broker struct {
	engine   *engine.Engine
	twin     *engine.Engine // a fork that must behave the same; nil most of the time
	life     int
	inbox    []engine.Event
	pumping  bool
	wake     time.Duration
	idle     int // wakes at one instant
	attached map[task.Process]*stream
	watched  map[task.Process]bool
	launches map[task.LaunchToken]bool // launches whose end was not reported yet
	askers   []engine.RequestID        // StopAll requests that are not answered yet
	stops    bool                      // the user asked for StopAll
	stopping bool                      // the engine asked for Stop
}

// start begins a life of the broker, on what the last one stored.
func (m *machine) start() {
	if m.b != nil || m.err != nil {
		return
	}
	m.lives++
	m.printf("-- the broker starts")
	m.audit.clockRead()
	saved := m.load()
	m.b = &broker{life: m.lives, attached: map[task.Process]*stream{}, watched: map[task.Process]bool{}, launches: map[task.LaunchToken]bool{}, pumping: true}
	for _, l := range saved.Launches {
		m.b.launches[l.Token] = true
	}
	m.cfg.Seed = m.rng.Uint64()
	e, out := engine.Restore(m.now, m.cfg, saved)
	m.b.engine = e
	m.finish(batch{writes: out.Writes, actions: out.Actions, wake: out.Wake, single: true})
	if m.b == nil {
		return
	}
	m.b.pumping = false
	m.endStrays()
	for _, s := range m.sources {
		s.brokerStarted()
	}
	m.user.brokerStarted()
	m.pump()
}

// load returns the stored state as the broker passes it to a new engine.
func (m *machine) load() engine.State {
	saved := m.store.Load()
	saved.Zones = map[string]*time.Location{"CET": zones[1]}
	return saved
}

// die ends the broker without any warning.
func (m *machine) die() {
	if m.b == nil {
		return
	}
	m.printf("-- the broker dies")
	b := m.b
	m.b, m.crash = nil, crashPlan{}
	m.audit.brokerDied()
	m.user.brokerDied()
	for _, p := range m.processes {
		if s := b.attached[p.id]; s != nil {
			s.cut()
		}
	}
}

func (m *machine) deliver(ev engine.Event) {
	if m.b != nil && !m.b.stopping {
		m.b.inbox = append(m.b.inbox, ev)
	}
}

// pump steps the events in the inbox, sometimes several for one commit.
func (m *machine) pump() {
	for m.b != nil && !m.b.pumping && len(m.b.inbox) > 0 && m.err == nil {
		n := 1
		if m.chance(10) {
			n = min(len(m.b.inbox), 1+m.rng.IntN(4))
		}
		events := m.b.inbox[:n]
		m.b.inbox = m.b.inbox[n:]
		w := batch{single: n == 1, events: events}
		m.b.pumping = true
		for _, ev := range events {
			m.trace("event", ev)
			if stop, ok := ev.(engine.StopAll); ok {
				m.b.stops = true
				m.b.askers = append(m.b.askers, stop.Request)
			}
			out := m.b.engine.Step(m.now, ev)
			if out.Defect != nil {
				m.broken("%v", out.Defect)
				return
			}
			m.askTwin(ev, out)
			m.audit.replies(ev, out)
			m.audit.noteLosses()
			w.writes, w.actions, w.wake = append(w.writes, out.Writes...), append(w.actions, out.Actions...), out.Wake
		}
		m.finish(w)
		if m.b != nil {
			m.b.pumping = false
		}
	}
}

// batch is the content of one commit.
type batch struct {
	writes  []engine.Write
	actions []engine.Action
	wake    time.Duration
	events  []engine.Event
	single  bool // of one step only, so the engine is still as it was when it decided
}

// finish commits a batch, performs its actions and arms the timer, and dies where the
// plan says so.
func (m *machine) finish(w batch) {
	dies := false
	if m.crash.in > 0 {
		m.crash.in--
		dies = m.crash.in == 0
	}
	plan := m.crash
	if dies && plan.before {
		m.printf("-- nothing of this is committed")
		m.crashed(plan)
		return
	}
	m.store.Commit(w.writes)
	m.unwritten = m.unwritten && len(w.writes) == 0
	m.printHistory()
	m.audit.committed(w)
	m.store.ForgetHistory()
	for i, a := range w.actions {
		if dies && i >= plan.actions {
			m.printf("-- committed, and %d actions of %d performed", i, len(w.actions))
			break
		}
		m.perform(a)
	}
	if dies {
		m.crashed(plan)
		return
	}
	if m.b != nil {
		m.arm(w)
	}
}

func (m *machine) crashed(plan crashPlan) {
	if plan.reboot {
		m.powerCut(plan.off, 0)
		return
	}
	m.die()
	m.after(plan.off, m.start)
}

func (m *machine) arm(w batch) {
	b := m.b
	b.wake = w.wake
	if w.wake == 0 || w.wake > m.now.Boot {
		b.idle = 0
		return
	}
	b.wake = 0
	b.inbox = append(b.inbox, engine.Tick{})
	if b.idle++; b.idle > mostIdle {
		m.broken("a hot loop: %d wakes at one instant", b.idle)
	}
}

// perform performs one action, as the broker does.
func (m *machine) perform(a engine.Action) {
	m.trace("do", a)
	m.audit.performed(a)
	switch a := a.(type) {
	case engine.Activate:
		m.send(a.Host, a)
	case engine.CancelRun:
		m.send(a.Host, a)
	case engine.Acknowledge:
		m.send(a.Host, a)
	case engine.ConfirmLeave:
		m.send(a.Host, a)
	case engine.Stay:
		m.send(a.Host, a)
	case engine.DropHost:
		m.send(a.Host, a)
		if s := m.b.attached[a.Host]; s != nil {
			s.cut()
		}
	case engine.StartServer:
		m.launch(a)
	case engine.FindProcess:
		m.lookFor(a)
	case engine.Signal:
		m.signal(a)
	case engine.Reply:
		m.user.replied(a)
		m.b.askers = slices.DeleteFunc(m.b.askers, func(id engine.RequestID) bool { return id == a.Request })
	case engine.RemoveFolders:
		m.removeFolders(a)
	case engine.Stop:
		m.b.stopping = true
		m.after(0, m.stopped)
	}
}

// removeFolders removes folders after a while. A broker that dies before that has not
// done it.
func (m *machine) removeFolders(a engine.RemoveFolders) {
	b := m.b
	m.after(m.between(0, time.Second), func() {
		if m.b == b && !b.stopping {
			b.inbox = append(b.inbox, engine.FoldersRemoved{Package: a.Package.Family})
		}
	})
}

// stopped ends the broker because the engine asked for it.
func (m *machine) stopped() {
	if m.b != nil && m.b.stopping {
		if n := len(m.b.askers); n > 0 {
			m.broken("the broker stops although %d StopAll requests are not answered", n)
		}
		m.die()
		m.after(m.between(0, 20*time.Second), m.start)
	}
}

func (m *machine) send(host task.Process, frame engine.Action) {
	if s := m.b.attached[host]; s != nil {
		s.toHost(frame)
	}
}

func (m *machine) trace(what string, x any) {
	if _, note := x.(engine.Notify); m.log != nil && !note {
		m.printf("%-7s %s", what, show(x))
	}
}

// show formats an event or an action for the transcript.
func show(x any) string {
	switch x := x.(type) {
	case engine.Activate:
		return fmt.Sprintf("Activate %v %s %s #%d.%d", x.Host, short(x.Activation.Instance), x.Activation.Spec.Name, x.Activation.Occurrence.Number, x.Activation.Attempt)
	case engine.Register:
		return fmt.Sprintf("Register ensure=%v %s %s", x.Ensure, x.Package, text(x.Spec))
	case engine.Reply:
		return fmt.Sprintf("Reply %s %s %s %d", short(x.Request), x.Answer.Code, x.Answer.Detail, x.Answer.Number)
	case engine.FactsReported:
		s := "Facts of " + x.Source + ":"
		for _, f := range x.Facts {
			s += " " + f.Name + "=" + f.Value.String()
		}
		return s
	case engine.Attached:
		s := fmt.Sprintf("Attached %v %s %v %v", x.Host, x.Package, x.Token, x.Objects)
		for _, i := range x.Instances {
			s += " " + short(i.Instance)
			if i.Result != nil {
				s += fmt.Sprintf(" %+v", *i.Result)
			}
		}
		return s
	case engine.Install:
		return fmt.Sprintf("Install %s %s %d classes", x.Package.Family, x.Package.Version, len(x.Package.Classes))
	}
	return fmt.Sprintf("%T %+v", x, x)[len("engine."):]
}

func short(id task.GUID) string { return id.String()[:8] }

// printHistory prints what the engine wrote to history.
func (m *machine) printHistory() {
	if m.log == nil {
		return
	}
	for _, ev := range m.store.History() {
		line := fmt.Sprintf("%s %s %v %s", short(ev.TaskID), ev.Name, ev.Kind, ev.Text)
		if ev.Occurrence != nil {
			line += fmt.Sprintf(" #%d (%d firings) %v", ev.Occurrence.Number, ev.Occurrence.Count, ev.End)
		}
		if ev.Run != nil {
			line += fmt.Sprintf(" %s #%d.%d %v %v %s", short(ev.Run.ID), ev.Run.Occurrence.Number, ev.Run.Attempt, ev.Run.Outcome, ev.Run.Reason, ev.Run.Text)
		}
		m.printf("history %s", line)
	}
}
