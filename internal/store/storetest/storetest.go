//go:build linux

// Package storetest is the test suite for every store of the engine's state: the one on
// disk, and the simulator's in memory.
package storetest

import (
	"cmp"
	"context"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// Store is what the broker needs from a store. Close may be called without any other
// call before it.
type Store interface {
	Load(ctx context.Context) (engine.State, error)
	Commit(ctx context.Context, writes []engine.Write) error
	Close() error
}

// Place is a location of one store: Open opens it again with everything that was
// committed. Only one store may be open at a time.
type Place interface {
	Open(ctx context.Context) (Store, error)
}

// Same are the options by which two states are equal: nil equals empty, a time has an
// offset and no monotonic reading, and the name of its zone does not matter.
var Same = gocmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreFields(engine.State{}, "Zones"),
	gocmp.Comparer(func(a, b time.Time) bool {
		_, x := a.Zone()
		_, y := b.Zone()
		return a.Equal(b) && x == y && reflect.DeepEqual(a.Round(0), a) && reflect.DeepEqual(b.Round(0), b)
	}),
}

// Run runs the suite on stores in new, empty places.
func Run(t *testing.T, place func(t *testing.T) Place) {
	tests := []struct {
		name string
		run  func(t *testing.T, p Place)
	}{
		{"Empty", testEmpty},
		{"EveryKind", testEveryKind},
		{"Variants", testVariants},
		{"Replace", testReplace},
		{"Batch", testBatch},
		{"Seq", testSeq},
		{"CanceledContext", testCanceledContext},
		{"RandomHistory", testRandomHistory},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, place(t)) })
	}
}

func testEmpty(t *testing.T, p Place) {
	s := open(t, p)
	commit(t, s)
	judge(t, s, engine.State{})
	judge(t, reopen(t, p, s), engine.State{})
}

// testEveryKind stores records with random values. It detects a record that a store
// forgets, even one that was added to the engine later.
func testEveryKind(t *testing.T, p Place) {
	s := open(t, p)
	var want Model
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		var writes []engine.Write
		for _, like := range Records {
			writes = append(writes, engine.Put{Record: Record(r, like)})
		}
		writes = append(writes, engine.Append{Event: Event(r, seed+1)})
		commit(t, s, writes...)
		want.Commit(writes)
	}
	judge(t, s, want.State())
	judge(t, reopen(t, p, s), want.State())
}

// testVariants stores each trigger and each kind of details, empty and full.
func testVariants(t *testing.T, p Place) {
	s := open(t, p)
	var want Model
	r := rand.New(rand.NewPCG(2, 2))
	put := func(rec engine.Record) {
		w := []engine.Write{engine.Put{Record: rec}}
		commit(t, s, w...)
		want.Commit(w)
	}
	for i, trigger := range Triggers {
		full := reflect.New(reflect.TypeOf(trigger)).Elem()
		fill(r, full)
		put(engine.Registration{TaskID: guid(2 * i), Spec: task.Spec{Trigger: trigger}})
		put(engine.Registration{TaskID: guid(2*i + 1), Spec: task.Spec{Trigger: full.Interface().(task.Trigger)}})
	}
	for i, details := range Details {
		full := reflect.New(reflect.TypeOf(details)).Elem()
		fill(r, full)
		put(engine.Occurrence{TaskID: guid(i), First: 1, Details: details})
		put(engine.Occurrence{TaskID: guid(i), First: 2, Details: full.Interface().(task.Details)})
	}
	judge(t, reopen(t, p, s), want.State())
}

func testReplace(t *testing.T, p Place) {
	s := open(t, p)
	a, b := fired(1), fired(2)
	commit(t, s, engine.Put{Record: a})
	commit(t, s, engine.Put{Record: b})
	judge(t, s, engine.State{Ledgers: []engine.Ledger{b}})
	commit(t, s, engine.Delete{Record: engine.Ledger{TaskID: guid(1)}})
	commit(t, s, engine.Delete{Record: engine.Ledger{TaskID: guid(1)}}) // deleting a missing record is not an error
	judge(t, reopen(t, p, s), engine.State{})
}

func fired(firing uint64) engine.Ledger {
	return engine.Ledger{TaskID: guid(1), LedgerHot: engine.LedgerHot{Firing: firing}}
}

// testBatch writes to the same rows several times in one commit. The last write counts,
// and rows with the same key in two tables are separate.
func testBatch(t *testing.T, p Place) {
	s := open(t, p)
	occ := func(first uint64) engine.Occurrence { return engine.Occurrence{TaskID: guid(1), First: first} }
	commit(t, s,
		engine.Put{Record: fired(1)}, engine.Delete{Record: fired(0)}, engine.Put{Record: fired(2)}, engine.Put{Record: fired(3)},
		engine.Put{Record: engine.Registration{TaskID: guid(1)}},
		engine.Put{Record: engine.Registration{TaskID: guid(2)}}, engine.Delete{Record: engine.Registration{TaskID: guid(2)}},
		engine.Put{Record: occ(1)}, engine.Put{Record: occ(256)}, engine.Delete{Record: occ(1)})
	want := engine.State{
		Ledgers:       []engine.Ledger{fired(3)},
		Registrations: []engine.Registration{{TaskID: guid(1)}},
		Occurrences:   []engine.Occurrence{occ(256)},
	}
	judge(t, s, want)
	judge(t, reopen(t, p, s), want)
}

func testSeq(t *testing.T, p Place) {
	s := open(t, p)
	at := time.Unix(1_700_000_000, 0).UTC()
	event := func(seq uint64) engine.Append {
		return engine.Append{Event: task.Event{Seq: seq, Kind: task.EventClock, Time: at}}
	}
	commit(t, s, event(1), event(2))
	judge(t, s, engine.State{Seq: 2})
	s = reopen(t, p, s)
	commit(t, s, event(3))
	judge(t, reopen(t, p, s), engine.State{Seq: 3})
}

// testCanceledContext checks that a commit that has not begun stores nothing, and that
// the store stays usable.
func testCanceledContext(t *testing.T, p Place) {
	s := open(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Commit(ctx, []engine.Write{engine.Put{Record: engine.Ledger{TaskID: guid(1)}}}); err == nil {
		t.Error("Commit with a canceled context succeeded")
	}
	commit(t, s, engine.Put{Record: engine.Ledger{TaskID: guid(2)}})
	judge(t, reopen(t, p, s), engine.State{Ledgers: []engine.Ledger{{TaskID: guid(2)}}})
}

// testRandomHistory commits random batches over few keys, and opens the store again now
// and then. It compares the state with a map.
func testRandomHistory(t *testing.T, p Place) {
	r := rand.New(rand.NewPCG(3, 3))
	s := open(t, p)
	var want Model
	seq := uint64(0)
	for round := range 60 {
		var writes []engine.Write
		for range r.IntN(30) {
			rec := withKey(Record(r, Records[r.IntN(len(Records))]), r.IntN(8))
			switch r.IntN(5) {
			case 0:
				writes = append(writes, engine.Delete{Record: rec})
			case 1:
				seq++
				writes = append(writes, engine.Append{Event: Event(r, seq)})
			default:
				writes = append(writes, engine.Put{Record: rec})
			}
		}
		commit(t, s, writes...)
		want.Commit(writes)
		if round%7 == 0 {
			s = reopen(t, p, s)
		}
	}
	judge(t, s, want.State())
}

// withKey gives the record one of few keys.
func withKey(rec engine.Record, n int) engine.Record {
	switch rec := rec.(type) {
	case engine.Package:
		rec.Family = string(rune('a' + n))
		return rec
	case engine.Registration:
		rec.TaskID = guid(n)
		return rec
	case engine.Ledger:
		rec.TaskID = guid(n)
		return rec
	case engine.Occurrence:
		rec.TaskID, rec.First = guid(n/2), uint64(n%2)
		return rec
	case engine.Run:
		rec.ID = guid(n)
		return rec
	case engine.Launch:
		rec.Token = task.LaunchToken(guid(n))
		return rec
	case engine.Remembered:
		rec.Request = guid(n)
		return rec
	case engine.LastingFact:
		rec.Name = string(rune('a' + n))
		return rec
	}
	return rec
}

func guid(n int) (g task.GUID) {
	g[0], g[15] = byte(n), 1
	return g
}

func open(t *testing.T, p Place) Store {
	t.Helper()
	s, err := p.Open(t.Context())
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func reopen(t *testing.T, p Place, s Store) Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	return open(t, p)
}

func commit(t *testing.T, s Store, writes ...engine.Write) {
	t.Helper()
	if err := s.Commit(t.Context(), writes); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

func judge(t *testing.T, s Store, want engine.State) {
	t.Helper()
	got, err := s.Load(t.Context())
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if diff := gocmp.Diff(Sorted(want), Sorted(got), Same); diff != "" {
		t.Fatalf("the state that was loaded is not what was committed (-want +got):\n%s", diff)
	}
}

// Sorted sorts the slices of the state by their keys.
func Sorted(st engine.State) engine.State {
	sortBy(&st.Packages, func(r engine.Package) string { return r.Family })
	sortBy(&st.Registrations, func(r engine.Registration) string { return r.TaskID.String() })
	sortBy(&st.Ledgers, func(r engine.Ledger) string { return r.TaskID.String() })
	slices.SortFunc(st.Occurrences, func(a, b engine.Occurrence) int {
		return cmp.Or(cmp.Compare(a.TaskID.String(), b.TaskID.String()), cmp.Compare(a.First, b.First))
	})
	sortBy(&st.Runs, func(r engine.Run) string { return r.ID.String() })
	sortBy(&st.Launches, func(r engine.Launch) string { return r.Token.String() })
	sortBy(&st.Answers, func(r engine.Remembered) string { return r.Request.String() })
	sortBy(&st.Facts, func(r engine.LastingFact) string { return r.Name })
	return st
}

func sortBy[T any](s *[]T, key func(T) string) {
	slices.SortFunc(*s, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}
