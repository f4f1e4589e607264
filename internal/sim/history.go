// Histories: a number of random steps, each with its own random source, so that a step
// can be left out without changing what the others draw. Shrink uses that to reduce a
// failing history to the few steps that matter.

package sim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"time"
)

// History is a history that can be played: steps in an unkind world, then the end in a
// kind one.
type History struct {
	Seed       uint64
	Steps      int
	Skip       map[int]bool // steps to leave out
	Transcript bool         // also return a transcript
}

// Result is the result of playing a history.
type Result struct {
	Err        error // the first broken promise
	Step       int   // the step in which it was broken
	Transcript string
	Reached    map[string]int // how often each kind of thing was seen
}

// Play plays the history. Each step has its own random source, so leaving out one
// changes as little as possible in those that follow.
func (h History) Play() (r Result) {
	var log *strings.Builder
	if h.Transcript {
		log = &strings.Builder{}
	}
	m := newMachine(h.Seed, log)
	defer func() {
		if p := recover(); p != nil {
			panic(fmt.Sprintf("seed %d, step %d: %v", h.Seed, r.Step, p))
		}
	}()
	m.begin()
	for r.Step = 0; r.Step < h.Steps && m.err == nil; r.Step++ {
		if h.Skip[r.Step] {
			continue
		}
		m.rng = rand.New(rand.NewPCG(h.Seed, uint64(r.Step)))
		m.printf("-- step %d", r.Step)
		m.forkEngine(h.Seed, r.Step)
		m.unkindStep()
		m.audit.overdue()
		if m.err == nil {
			m.audit.reasons()
			m.audit.losses()
			m.audit.elapsed()
		}
		if r.Step%16 == 0 {
			m.restored()
		}
	}
	if m.err == nil {
		m.rng = rand.New(rand.NewPCG(h.Seed, uint64(h.Steps)))
		m.turnKind()
	}
	r.Err = m.err
	if log != nil {
		r.Transcript = log.String()
	}
	m.audit.reached["crash"], m.audit.reached["boot"] = m.lives-m.boots, m.boots
	r.Reached = m.audit.reached
	return r
}

// Shrink leaves out whatever a failing history can do without, in ever smaller pieces.
func (h History) Shrink() History {
	r := h.Play()
	if r.Err == nil {
		return h
	}
	h.Steps = min(h.Steps, r.Step+1)
	if h.Skip == nil {
		h.Skip = map[int]bool{}
	}
	for size := (h.Steps + 1) / 2; size > 0; size /= 2 {
		for from := 0; from < h.Steps; from += size {
			less := h
			less.Skip = maps.Clone(h.Skip)
			for i := from; i < min(from+size, h.Steps); i++ {
				less.Skip[i] = true
			}
			if again := less.Play(); again.Err != nil && kindOf(again.Err) == kindOf(r.Err) {
				h = less
			}
		}
	}
	return h
}

// kindOf returns an error without what differs between histories, such as ids and
// numbers.
func kindOf(err error) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789abcdef.", r) {
			return -1
		}
		return r
	}, strings.SplitN(err.Error(), "\n", 2)[0])
}

func (m *machine) begin() {
	m.start()
	for _, f := range families {
		if m.chance(80) {
			m.user.install(f)
		}
	}
	for range 6 {
		m.user.register(m.newID(), pick(m, families...))
	}
	m.pump()
}

// unkindStep is one step: time passes, or something happens.
func (m *machine) unkindStep() {
	switch n := m.rng.IntN(1000); {
	case n < 330:
		m.advance(m.between(0, 2*time.Second))
	case n < 530:
		m.advance(m.between(time.Second, 2*time.Minute))
	case n < 570:
		m.advance(m.between(time.Minute, 2*time.Hour))
	case n < 590:
		m.suspend(m.between(time.Second, 10*time.Hour))
	case n < 600:
		m.setClock(pick(m, time.Second, -3*time.Second, time.Hour, -time.Hour, 50*time.Hour, -30*time.Hour))
	case n < 605:
		m.now.Wall = m.now.Wall.In(pick(m, zones...))
		m.alarm(true)
	case n < 612:
		m.powerCut(m.between(time.Minute, 20*time.Hour), pick(m, 0, 0, -30*time.Hour, -300*time.Hour, 2*time.Hour))
	case n < 640:
		m.crash = crashPlan{in: 1 + m.rng.IntN(5), before: m.chance(40), actions: m.rng.IntN(4), off: m.between(0, pick(m, time.Minute, time.Minute, 3*time.Hour)), reboot: m.chance(10)}
	case n < 780:
		m.user.happen()
	case n < 880:
		pick(m, m.sources...).happen()
	default:
		m.disturb()
	}
	m.pump()
}

// disturb does something bad to a random process.
func (m *machine) disturb() {
	living := m.living()
	if len(living) == 0 || m.chance(15) {
		m.user.startApp(pick(m, families...))
		return
	}
	p := pick(m, living...)
	switch n := m.rng.IntN(100); {
	case n < 20:
		p.kill()
	case n < 35:
		p.stop()
	case n < 55:
		if !p.held {
			p.goOn()
		}
	case n < 75:
		if p.stream != nil {
			p.stream.cut()
		}
	case n < 79:
		p.lie()
	case n < 85:
		p.do(p.quit)
	case n < 90:
		p.do(p.suspend)
		p.later(m.between(time.Second, time.Minute), p.resume)
	default:
		p.heal()
	}
}

// lie makes the process reconnect and deny a run. When it reconnects once more, it
// names the run again.
func (p *process) lie() {
	for _, i := range p.instances {
		if i.running && p.stream != nil && !p.stopped {
			i.denied = true
			p.m.audit.lied(i)
		}
	}
	if p.stream != nil {
		p.stream.cut()
		p.later(p.m.between(6*time.Second, 2*time.Minute), func() {
			if p.stream != nil {
				p.stream.cut()
			}
		})
	}
}

// heal removes all faults of a process.
func (p *process) heal() {
	p.temper = temper{}
	if p.killed {
		p.die("signal: killed")
		return
	}
	p.goOn()
	for _, i := range p.instances {
		if i.running {
			i.deaf = false
			p.later(p.m.between(0, time.Minute), func() { p.finish(i, p.m.result()) })
		}
	}
	if p.leaving {
		p.later(0, func() { p.die("exit 0") })
	}
	if p.stream != nil {
		p.stream.cut() // and names everything when it is back
	}
}
