package sim

import (
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// source reports some facts of the machine.
type source struct {
	m      *machine
	name   string
	facts  []string
	values map[string]task.Value
	status task.SourceStatus
}

// menu lists the values that a fact may have: first the one that most conditions want.
func menu(fact string) []task.Value {
	row, _ := task.FactOf(fact)
	return row.SampleValues()
}

func newSources(m *machine) []*source {
	all := []*source{
		{name: "network", facts: []string{task.FactInternet, task.FactMetered, task.FactNetwork}},
		{name: "power", facts: []string{task.FactOnAC, task.FactBattery, task.FactPower, task.FactWorkCost}},
		{name: "session", facts: []string{task.FactUser, task.FactSession, task.FactIdle}},
		{name: "zone", facts: []string{task.FactTimeZone}},
	}
	all = append(all, &source{name: "rest", facts: otherFacts(all)})
	for _, s := range all {
		s.m, s.status, s.values = m, task.SourceUp, map[string]task.Value{}
		for _, f := range s.facts {
			s.values[f] = menu(f)[0]
		}
	}
	return all
}

// otherFacts lists the facts of the table that none of the sources has.
func otherFacts(sources []*source) (names []string) {
	for _, row := range task.FactTable() {
		if !slices.ContainsFunc(sources, func(s *source) bool { return slices.Contains(s.facts, row.Name) }) {
			names = append(names, row.Name)
		}
	}
	return names
}

func (s *source) state() engine.SourceChanged {
	return engine.SourceChanged{State: task.SourceState{Name: s.name, Status: s.status, Facts: s.facts}}
}

// report reports the given facts.
func (s *source) report(facts ...string) {
	if s.status != task.SourceUp {
		return
	}
	ev := engine.FactsReported{Source: s.name}
	for _, f := range facts {
		ev.Facts = append(ev.Facts, task.Fact{Name: f, Value: s.values[f]})
	}
	s.m.deliver(ev)
}

// brokerStarted starts the source again for a new broker, after a random delay.
func (s *source) brokerStarted() {
	life := s.m.b.life
	s.m.deliver(engine.SourceChanged{State: task.SourceState{Name: s.name, Status: task.SourceStarting, Facts: s.facts}})
	s.m.after(s.m.between(0, 5*time.Second), func() {
		if s.m.b != nil && s.m.b.life == life {
			s.m.deliver(s.state())
			s.report(s.facts...)
		}
	})
}

// change gives some facts new values.
func (s *source) change() {
	var changed []string
	for _, f := range s.facts {
		if s.m.chance(50) {
			s.values[f] = pick(s.m, menu(f)...)
			changed = append(changed, f)
		}
	}
	s.report(changed...)
}

// flap changes one fact back and forth.
func (s *source) flap() {
	f := pick(s.m, s.facts...)
	for n := 2 + s.m.rng.IntN(6); n > 0; n-- {
		s.m.after(s.m.between(0, 20*time.Second), func() {
			s.values[f] = pick(s.m, menu(f)...)
			s.report(f)
		})
	}
}

// turn changes the status of the source.
func (s *source) turn(to task.SourceStatus) {
	s.status = to
	s.m.deliver(s.state())
	s.report(s.facts...)
}

// unknown makes a working source report that it does not know a fact.
func (s *source) unknown() {
	f := pick(s.m, s.facts...)
	s.m.deliver(engine.FactsReported{Source: s.name, Facts: []task.Fact{{Name: f, Value: task.Unknown, Detail: "it cannot tell"}}})
	s.m.after(s.m.between(0, time.Minute), func() { s.report(f) })
}

// happen does one random thing to the source.
func (s *source) happen() {
	switch n := s.m.rng.IntN(20); {
	case n < 10:
		s.change()
	case n < 13:
		s.flap()
	case n < 15:
		s.unknown()
	case n < 17:
		s.turn(pick(s.m, task.SourceGone, task.SourceNotHere))
	default:
		s.turn(task.SourceUp)
	}
}

// settle gives all facts these values, and the others the most ordinary ones.
func (s *source) settle(facts map[string]task.Value) {
	for _, f := range s.facts {
		s.values[f] = menu(f)[0]
		if v, ok := facts[f]; ok {
			s.values[f] = v
		}
	}
	s.turn(task.SourceUp)
}
