package engine

import (
	"reflect"
	"testing"

	"github.com/bgtask/bgtask/internal/filled"
	"github.com/bgtask/bgtask/task"
)

// TestMain checks, after all transcripts, that the parts which registrations share were
// not written to.
func TestMain(m *testing.M) {
	m.Run()
	if !reflect.ValueOf(*noCold).IsZero() {
		panic("some code wrote to the shared zero of cold without writeCold()")
	}
	if !reflect.ValueOf(*noColdSpec).IsZero() {
		panic("some code wrote to a part of a spec that registrations share")
	}
}

// TestSpecSplits checks that a spec is unchanged after it was split into hot and cold and
// put together again.
func TestSpecSplits(t *testing.T) {
	filled.RoundTrip(t, filled.Filler{}, func(want task.Spec) (task.Spec, error) { return splitSpec(want).whole(), nil })
}

// TestLedgerSplits checks that a ledger is unchanged after it was split and put together
// again.
func TestLedgerSplits(t *testing.T) {
	filled.RoundTrip(t, filled.Filler{}, func(want Ledger) (Ledger, error) {
		r := &reg{taskID: want.TaskID}
		r.open(&want)
		return r.ledger(), nil
	})
}

// TestIdleOnesShare checks that a registration without options and without a past shares
// both cold parts.
func TestIdleOnesShare(t *testing.T) {
	s := task.Spec{Name: "n", EntryPoint: task.GUID{1}, Trigger: task.ApplicationTrigger{}, Conditions: []task.Condition{task.ACPower}}
	if splitSpec(s).coldSpec != noColdSpec {
		t.Error("a spec without options has a cold part")
	}
	r := &reg{}
	if r.open(&Ledger{LedgerHot: LedgerHot{Firing: 1, GridWall: 1}}); r.cold != noCold {
		t.Error("a ledger of an idle registration has a cold part")
	}
}
