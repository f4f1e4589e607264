package sim

import (
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// tree is the process tree that carries the token of one launch.
type tree struct {
	token   task.LaunchToken
	pack    string
	leader  *process // nil before the fork
	all     []*process
	signals []bool // sent before the fork: kill or not
	reaped  bool   // the end of its leader was reported
}

// launch starts a class server after the time that a fork takes.
func (m *machine) launch(a engine.StartServer) {
	t := &tree{token: a.Token, pack: a.Package}
	m.trees[a.Token] = t
	m.b.launches[a.Token] = true
	life := m.b.life
	m.after(m.between(0, 300*time.Millisecond), func() {
		if m.b == nil || m.b.life != life {
			return // the broker died before the fork
		}
		if !m.kind && m.chance(4) {
			delete(m.b.launches, a.Token)
			m.deliver(engine.StartFailed{Token: a.Token, Text: "no such file"})
			return
		}
		m.fork(t, a)
	})
}

func (m *machine) fork(t *tree, a engine.StartServer) {
	p := m.newProcess(a.Package, a.Token)
	p.tree, t.leader, t.all = t, p, append(t.all, p)
	m.b.watched[p.id] = true
	m.printf("-- %v is launched: %s", p.id, a.Server.Executable)
	m.deliver(engine.ServerStarted{Token: a.Token, Process: p.id})
	p.objects = objectsOf(a.Server)
	m.setTemper(p)
	m.script(p)
	for _, kill := range t.signals {
		p.signaled(kill)
	}
}

// setTemper gives some processes a fault or two.
func (m *machine) setTemper(p *process) {
	if m.kind {
		return
	}
	t := &p.temper
	t.refuses, t.mute, t.slow = m.chance(4), m.chance(3), m.chance(5)
	t.ignoresTerm, t.immune, t.stays = m.chance(15), m.chance(2), m.chance(3)
}

// script plays the life of a launched server up to its hello.
func (m *machine) script(p *process) {
	n := m.rng.IntN(100)
	soon := m.between(time.Millisecond, 3*time.Second)
	switch {
	case m.kind || n < 75:
		p.comeUp(soon)
	case n < 80:
		p.comeUp(m.between(100*time.Second, 150*time.Second))
	case n < 83: // it never comes up
	case n < 89:
		p.later(soon, func() { p.die("exit 3") })
	case n < 91:
		m.daemonize(p, soon)
	case n < 94: // its classes are shown later
		for i := range p.objects {
			p.objects[i].Suspended = true
		}
		p.comeUp(soon)
		p.later(soon+m.between(time.Second, 140*time.Second), p.resume)
	default: // one class is missing, for a while
		p.partly(soon)
	}
}

func (p *process) comeUp(d time.Duration) {
	p.later(d, p.connect)
}

func (p *process) resume() {
	for i := range p.objects {
		p.objects[i].Suspended = false
	}
	p.say(engine.ObjectsChanged{Host: p.id, Objects: p.shown()})
}

func (p *process) suspend() {
	p.objects = slices.Clone(p.objects)
	for i := range p.objects {
		p.objects[i].Suspended = true
	}
	p.say(engine.ObjectsChanged{Host: p.id, Objects: p.shown()})
}

func (p *process) partly(soon time.Duration) {
	all := slices.Clone(p.objects)
	p.objects = slices.Clone(all[:len(all)-1])
	p.comeUp(soon)
	if p.m.chance(50) {
		p.later(soon+p.m.between(time.Second, 30*time.Second), func() {
			p.objects = append(p.objects, all[len(all)-1])
			p.say(engine.ObjectsChanged{Host: p.id, Objects: p.shown()})
		})
	}
}

// daemonize leaves a child behind, which serves.
func (m *machine) daemonize(p *process, soon time.Duration) {
	p.later(soon, func() {
		child := m.newProcess(p.pack, p.token)
		child.tree, child.objects = p.tree, p.objects
		p.tree.all = append(p.tree.all, child)
		child.comeUp(m.between(0, time.Second))
		p.later(m.between(0, time.Second), func() { p.die("exit 0") })
	})
}

// ended reports the end of a process to the broker that started it, after its stream
// was read to the end.
func (m *machine) ended(p *process, status string) {
	at := m.spent + m.latency()
	if p.stream != nil {
		at = max(at, p.stream.up)
	}
	m.at(at, func() { m.tellExit(p, status) })
}

func (m *machine) tellExit(p *process, status string) {
	if m.b == nil {
		return
	}
	leads := p.tree != nil && p.tree.leader == p
	if m.b.watched[p.id] {
		delete(m.b.watched, p.id)
		ev := engine.Exited{Process: p.id}
		if m.b.life == p.life && leads {
			ev.Exit = engine.Exit{Known: true, Status: status, Stderr: "its last line"}
		}
		if leads {
			ev.Token = p.token
		}
		m.deliver(ev)
		if leads {
			m.reap(p.tree)
			return
		}
	}
	if p.tree != nil {
		m.treeEnded(p.tree)
	}
}

// reap ends what the leader of a tree left behind.
func (m *machine) reap(t *tree) {
	t.reaped = true
	m.after(m.between(0, time.Second), func() {
		for _, p := range t.all {
			p.kill()
		}
		m.treeEnded(t)
	})
}

// treeEnded reports that no process carries the token any more, if that is so.
func (m *machine) treeEnded(t *tree) {
	if !t.reaped || slices.ContainsFunc(t.all, func(p *process) bool { return p.alive }) {
		return
	}
	if m.b != nil && m.b.launches[t.token] {
		delete(m.b.launches, t.token)
		m.deliver(engine.TreeEnded{Token: t.token})
	}
}

func (m *machine) signal(a engine.Signal) {
	if a.Token.IsZero() {
		if p := m.process(a.Process); p != nil {
			p.signaled(a.Kill)
		}
		return
	}
	t := m.trees[a.Token]
	if t == nil {
		return
	}
	if t.leader == nil {
		t.signals = append(t.signals, a.Kill)
	}
	for _, p := range t.all {
		p.signaled(a.Kill)
	}
}

func (p *process) signaled(kill bool) {
	p.signaledBy = true
	if kill {
		p.kill()
		return
	}
	p.term()
}

// lookFor looks for a process of an earlier broker, after a short delay.
func (m *machine) lookFor(a engine.FindProcess) {
	life := m.b.life
	m.after(m.latency(), func() {
		if m.b == nil || m.b.life != life {
			return
		}
		if a.Token.IsZero() {
			m.watch(a.Process)
			return
		}
		m.findLaunch(a)
	})
}

func (m *machine) watch(id task.Process) {
	if p := m.process(id); p != nil && p.alive {
		m.b.watched[id] = true
		return
	}
	m.deliver(engine.Exited{Process: id})
}

func (m *machine) findLaunch(a engine.FindProcess) {
	t := m.trees[a.Token]
	if t != nil && t.leader != nil && t.leader.alive {
		m.b.watched[t.leader.id] = true
		m.deliver(engine.ServerStarted{Token: a.Token, Process: t.leader.id})
		return
	}
	if t == nil {
		t = &tree{token: a.Token}
		m.trees[a.Token] = t
	}
	if a.Process.IsZero() {
		delete(m.b.launches, a.Token)
		for _, p := range t.all {
			p.kill()
		}
		m.deliver(engine.StartFailed{Token: a.Token, Text: "the broker ended while it started the process", Lost: true})
		return
	}
	m.deliver(engine.Exited{Process: a.Process, Token: a.Token})
	m.reap(t)
}

// endStrays ends processes with a token that the broker does not know.
func (m *machine) endStrays() {
	life := m.b.life
	m.after(time.Second, func() {
		for _, p := range m.living() {
			if m.b != nil && m.b.life == life && !p.token.IsZero() && !m.b.launches[p.token] {
				p.kill()
			}
		}
	})
}
