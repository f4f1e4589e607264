package bgtasktest

import (
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// now returns the time of the machine's clocks.
func (m *Machine) now() engine.Instant {
	now := time.Now()
	boot := now.Sub(m.began) + time.Second // a machine has booted before its broker starts
	return engine.Instant{Wall: now, Boot: boot, Awake: boot - m.slept, ID: bootID}
}

// step gives the engine an event: immediately, or when the machine wakes up.
func (m *Machine) step(ev engine.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.queue = append(m.queue, ev)
	m.drain()
}

// drain gives the engine all queued events. Performing its actions may queue more.
func (m *Machine) drain() {
	for len(m.queue) > 0 && !m.sleeping && !m.closed {
		ev := m.queue[0]
		m.queue = m.queue[1:]
		out := m.engine.Step(m.now(), ev)
		if out.Defect != nil {
			m.t.Errorf("bgtasktest: the engine refused an event, which is a bug in bgtask: %v", out.Defect)
		}
		m.finish(out)
	}
}

// finish does what a step of the engine asks for: record events, perform actions, set
// the timer. There is no disk to commit to.
func (m *Machine) finish(out engine.Output) {
	for _, w := range out.Writes {
		if a, ok := w.(engine.Append); ok {
			m.record(a.Event)
		}
	}
	for _, a := range out.Actions {
		m.perform(a)
	}
	m.arm(out.Wake)
}

// record appends to the log and wakes the watchers.
func (m *Machine) record(ev task.Event) {
	m.log = append(m.log, ev)
	close(m.grown)
	m.grown = make(chan struct{})
}

func (m *Machine) arm(wake time.Duration) {
	if m.timer != nil {
		m.timer.Stop()
	}
	if wake == 0 {
		return
	}
	m.timer = time.AfterFunc(max(wake-m.now().Boot, 0), func() { m.step(engine.Tick{}) })
}

func (m *Machine) perform(action engine.Action) {
	switch a := action.(type) {
	case engine.Notify:
		m.record(a.Event)
	case engine.Reply:
		if answer, ok := m.waiting[a.Request]; ok {
			delete(m.waiting, a.Request)
			answer(a.Answer)
		}
	case engine.Activate:
		m.send(a.Host, wire.Activate{Activation: a.Activation})
	case engine.CancelRun:
		m.send(a.Host, wire.CancelRun{Instance: a.Instance, Reason: a.Reason})
	case engine.Acknowledge:
		m.send(a.Host, wire.Acknowledge{Instance: a.Instance})
	case engine.ConfirmLeave:
		m.send(a.Host, wire.LeaveConfirmed{})
	case engine.Stay:
		m.send(a.Host, wire.Stay{})
	case engine.DropHost:
		m.send(a.Host, wire.Drop{Text: a.Text})
	case engine.StartServer:
		m.launch(a.Token)
	case engine.FindProcess: // no earlier broker left a process
		m.queue = append(m.queue, engine.StartFailed{Token: a.Token, Lost: true})
	case engine.Signal:
		m.signal(a)
	}
}

// signal asks a launched server to end, or kills it. It ignores the application, which
// belongs to the test.
func (m *Machine) signal(a engine.Signal) {
	s, ok := m.servers[a.Token]
	switch {
	case !ok:
	case a.Kill:
		go m.kill(s)
	default:
		s.stop()
	}
}
