package engine

import (
	"maps"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// memory is a store for tests. It applies Writes to a State in memory.
type memory struct {
	clock     Clock
	regs      map[task.GUID]Registration
	ledgers   map[task.GUID]Ledger
	occs      map[task.GUID]map[uint64]Occurrence
	runs      map[task.GUID]Run
	launches  map[task.LaunchToken]Launch
	packages  map[string]Package
	answers   map[RequestID]Remembered
	facts     map[string]LastingFact
	history   []task.Event
	committed int
}

func newMemory() *memory {
	return &memory{regs: map[task.GUID]Registration{}, ledgers: map[task.GUID]Ledger{}, occs: map[task.GUID]map[uint64]Occurrence{},
		runs: map[task.GUID]Run{}, launches: map[task.LaunchToken]Launch{}, packages: map[string]Package{},
		answers: map[RequestID]Remembered{}, facts: map[string]LastingFact{}}
}

func (m *memory) commit(writes []Write) {
	for _, w := range writes {
		m.committed++
		switch w := w.(type) {
		case Put:
			m.put(w.Record)
		case Delete:
			m.drop(w.Record)
		case Append:
			m.history = append(m.history, w.Event)
		}
	}
}

func (m *memory) put(r Record) {
	switch r := r.(type) {
	case Clock:
		m.clock = r
	case Registration:
		m.regs[r.TaskID] = r
	case Ledger:
		m.ledgers[r.TaskID] = r
	case Occurrence:
		if m.occs[r.TaskID] == nil {
			m.occs[r.TaskID] = map[uint64]Occurrence{}
		}
		m.occs[r.TaskID][r.First] = r
	case Run:
		m.runs[r.ID] = r
	case Launch:
		m.launches[r.Token] = r
	case Package:
		m.packages[r.Family] = r
	case Remembered:
		m.answers[r.Request] = r
	case LastingFact:
		m.facts[r.Name] = r
	}
}

func (m *memory) drop(r Record) {
	switch r := r.(type) {
	case Registration:
		delete(m.regs, r.TaskID)
	case Ledger:
		delete(m.ledgers, r.TaskID)
	case Occurrence:
		delete(m.occs[r.TaskID], r.First)
	case Run:
		delete(m.runs, r.ID)
	case Launch:
		delete(m.launches, r.Token)
	case Package:
		delete(m.packages, r.Family)
	case Remembered:
		delete(m.answers, r.Request)
	}
}

func (m *memory) load() State {
	s := State{Clock: m.clock}
	s.Registrations = slices.Collect(maps.Values(m.regs))
	s.Ledgers = slices.Collect(maps.Values(m.ledgers))
	for _, o := range m.occs {
		s.Occurrences = append(s.Occurrences, slices.Collect(maps.Values(o))...)
	}
	s.Runs = slices.Collect(maps.Values(m.runs))
	s.Launches = slices.Collect(maps.Values(m.launches))
	s.Packages = slices.Collect(maps.Values(m.packages))
	s.Answers = slices.Collect(maps.Values(m.answers))
	s.Facts = slices.Collect(maps.Values(m.facts))
	if n := len(m.history); n > 0 {
		s.Seq = m.history[n-1].Seq
	}
	return s
}
