//go:build linux

package storetest

import (
	"fmt"

	"github.com/bgtask/bgtask/internal/engine"
)

// Model is the simplest store: a map. The other stores are compared with it.
type Model struct {
	rows map[string]engine.Record
	seq  uint64
}

// Commit applies the writes in order.
func (m *Model) Commit(writes []engine.Write) {
	if m.rows == nil {
		m.rows = map[string]engine.Record{}
	}
	for _, w := range writes {
		switch w := w.(type) {
		case engine.Put:
			m.rows[key(w.Record)] = w.Record
		case engine.Delete:
			delete(m.rows, key(w.Record))
		case engine.Append:
			m.seq = w.Event.Seq
		}
	}
}

// State returns everything that is stored, in no particular order.
func (m *Model) State() engine.State {
	st := engine.State{Seq: m.seq}
	for _, r := range m.rows {
		switch r := r.(type) {
		case engine.Clock:
			st.Clock = r
		case engine.Package:
			st.Packages = append(st.Packages, r)
		case engine.Registration:
			st.Registrations = append(st.Registrations, r)
		case engine.Ledger:
			st.Ledgers = append(st.Ledgers, r)
		case engine.Occurrence:
			st.Occurrences = append(st.Occurrences, r)
		case engine.Run:
			st.Runs = append(st.Runs, r)
		case engine.Launch:
			st.Launches = append(st.Launches, r)
		case engine.Remembered:
			st.Answers = append(st.Answers, r)
		case engine.LastingFact:
			st.Facts = append(st.Facts, r)
		}
	}
	return st
}

func key(r engine.Record) string {
	switch r := r.(type) {
	case engine.Clock:
		return "clock"
	case engine.Package:
		return "package " + r.Family
	case engine.Registration:
		return "registration " + r.TaskID.String()
	case engine.Ledger:
		return "ledger " + r.TaskID.String()
	case engine.Occurrence:
		return fmt.Sprintf("occurrence %v %d", r.TaskID, r.First)
	case engine.Run:
		return "run " + r.ID.String()
	case engine.Launch:
		return "launch " + r.Token.String()
	case engine.Remembered:
		return "answer " + r.Request.String()
	case engine.LastingFact:
		return "fact " + r.Name
	}
	panic(fmt.Sprintf("storetest: %T is not a record", r))
}
