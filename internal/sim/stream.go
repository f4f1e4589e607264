// Connections. A cut stream is where most mistakes hide: frames under way still arrive,
// each side learns of the cut at its own time, and the process may be back before the
// broker has read the old stream to its end.

package sim

import (
	"time"

	"github.com/bgtask/bgtask/internal/engine"
)

// stream is the connection of one process to one life of the broker. Frames of one
// direction arrive in order. What was sent before a cut still arrives, unless the
// receiver is dead.
type stream struct {
	m        *machine
	p        *process
	life     int
	up, down time.Duration // when the last frame arrives at the broker, and at the host
	isCut    bool
	over     bool // the broker has read it to its end
}

// latency returns the time that a frame takes.
func (m *machine) latency() time.Duration { return m.between(0, 20*time.Millisecond) }

// toBroker sends an event to the broker.
func (s *stream) toBroker(ev engine.Event) {
	s.onBroker(func() {
		if !s.over {
			s.m.deliver(ev)
		}
	})
}

func (s *stream) onBroker(do func()) {
	s.up = max(s.up, s.m.spent+s.m.latency())
	s.m.at(s.up, func() {
		if s.m.b != nil && s.m.b.life == s.life {
			do()
		}
	})
}

// toHost sends a frame to the host.
func (s *stream) toHost(frame engine.Action) {
	s.onHost(func() { s.p.receive(s, frame) })
}

func (s *stream) onHost(do func()) {
	s.down = max(s.down, s.m.spent+s.m.latency())
	s.m.at(s.down, func() { s.p.do(do) })
}

// cut ends the stream for both sides, after the frames that are under way.
func (s *stream) cut() {
	if s.isCut {
		return
	}
	s.isCut = true
	s.onBroker(s.lost)
	s.onHost(func() { s.p.disconnected(s) })
}

// lost is called when the broker has read the stream to its end.
func (s *stream) lost() {
	if s.over {
		return
	}
	s.over = true
	if s.m.b.attached[s.p.id] == s {
		delete(s.m.b.attached, s.p.id)
		s.m.deliver(engine.StreamLost{Host: s.p.id})
	}
}

// connect makes a stream and says hello.
func (p *process) connect() {
	m := p.m
	if p.stream != nil || p.isolated {
		return
	}
	if m.b == nil || m.b.stopping || !p.token.IsZero() && !m.b.launches[p.token] {
		p.retry()
		return
	}
	s := &stream{m: m, p: p, life: m.b.life}
	p.stream = s
	p.linger()
	hello := engine.Attached{Host: p.id, Package: p.pack, Token: p.token, Active: p.active, Objects: p.shown(), Instances: p.named()}
	s.onBroker(func() {
		if m.b.attached[p.id] != nil { // the old one is still being read
			s.isCut, s.over = true, true
			s.onHost(func() { p.disconnected(s) })
			return
		}
		m.b.attached[p.id] = s
		m.b.watched[p.id] = true
		m.deliver(hello)
	})
}

// disconnected is called when the process has read its stream to the end.
func (p *process) disconnected(s *stream) {
	if p.stream == s {
		p.stream = nil
		p.retry()
	}
}

func (p *process) retry() {
	p.later(p.patience+p.m.between(10*time.Millisecond, 5*time.Second), p.connect)
	p.patience = 0
}

// say sends an event if there is a stream.
func (p *process) say(ev engine.Event) {
	if p.stream != nil && !p.stream.isCut {
		p.stream.toBroker(ev)
	}
}
