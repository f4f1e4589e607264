package sim

import (
	"cmp"
	"maps"
	"slices"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// Store keeps what an engine writes, in memory. It is not safe for concurrent use.
type Store struct {
	clock    engine.Clock
	regs     map[task.GUID]engine.Registration
	ledgers  map[task.GUID]engine.Ledger
	occs     map[task.GUID]map[uint64]engine.Occurrence
	runs     map[task.GUID]engine.Run
	launches map[task.LaunchToken]engine.Launch
	packages map[string]engine.Package
	answers  map[engine.RequestID]engine.Remembered
	facts    map[string]engine.LastingFact
	history  []task.Event
	seq      uint64
}

// NewStore returns the store of a new installation.
func NewStore() *Store {
	return &Store{
		regs: map[task.GUID]engine.Registration{}, ledgers: map[task.GUID]engine.Ledger{},
		occs: map[task.GUID]map[uint64]engine.Occurrence{}, runs: map[task.GUID]engine.Run{},
		launches: map[task.LaunchToken]engine.Launch{}, packages: map[string]engine.Package{},
		answers: map[engine.RequestID]engine.Remembered{}, facts: map[string]engine.LastingFact{},
	}
}

// Commit applies writes, all of them.
func (s *Store) Commit(writes []engine.Write) {
	for _, w := range writes {
		switch w := w.(type) {
		case engine.Put:
			s.put(w.Record)
		case engine.Delete:
			s.drop(w.Record)
		case engine.Append:
			s.history = append(s.history, w.Event)
			s.seq = w.Event.Seq
		}
	}
}

// History returns what was appended since ForgetHistory was last called.
func (s *Store) History() []task.Event { return s.history }

// ForgetHistory drops all events, but keeps the number of the last one.
func (s *Store) ForgetHistory() { s.history = nil }

func (s *Store) put(r engine.Record) {
	switch r := r.(type) {
	case engine.Clock:
		s.clock = r
	case engine.Registration:
		s.regs[r.TaskID] = r
	case engine.Ledger:
		s.ledgers[r.TaskID] = r
	case engine.Occurrence:
		if s.occs[r.TaskID] == nil {
			s.occs[r.TaskID] = map[uint64]engine.Occurrence{}
		}
		s.occs[r.TaskID][r.First] = r
	case engine.Run:
		s.runs[r.ID] = r
	case engine.Launch:
		s.launches[r.Token] = r
	case engine.Package:
		s.packages[r.Family] = r
	case engine.Remembered:
		s.answers[r.Request] = r
	case engine.LastingFact:
		s.facts[r.Name] = r
	}
}

func (s *Store) drop(r engine.Record) {
	switch r := r.(type) {
	case engine.Registration:
		delete(s.regs, r.TaskID)
	case engine.Ledger:
		delete(s.ledgers, r.TaskID)
	case engine.Occurrence:
		delete(s.occs[r.TaskID], r.First)
		if len(s.occs[r.TaskID]) == 0 {
			delete(s.occs, r.TaskID)
		}
	case engine.Run:
		delete(s.runs, r.ID)
	case engine.Launch:
		delete(s.launches, r.Token)
	case engine.Package:
		delete(s.packages, r.Family)
	case engine.Remembered:
		delete(s.answers, r.Request)
	case engine.LastingFact:
		delete(s.facts, r.Name)
	}
}

// Load returns the whole stored state, as Restore takes it.
func (s *Store) Load() engine.State {
	saved := engine.State{
		Clock: s.clock, Seq: s.seq,
		Packages:      values(s.packages, cmp.Compare),
		Registrations: values(s.regs, compareIDs),
		Ledgers:       values(s.ledgers, compareIDs),
		Runs:          values(s.runs, compareIDs),
		Launches:      values(s.launches, func(a, b task.LaunchToken) int { return compareIDs(task.GUID(a), task.GUID(b)) }),
		Answers:       values(s.answers, compareIDs),
		Facts:         values(s.facts, cmp.Compare),
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.occs), compareIDs) {
		saved.Occurrences = append(saved.Occurrences, values(s.occs[id], cmp.Compare)...)
	}
	return saved
}

func compareIDs(a, b task.GUID) int { return slices.Compare(a[:], b[:]) }

// values returns the values of m in the order of its keys.
func values[K comparable, V any](m map[K]V, compare func(a, b K) int) []V {
	all := make([]V, 0, len(m))
	for _, k := range slices.SortedFunc(maps.Keys(m), compare) {
		all = append(all, m[k])
	}
	return all
}
