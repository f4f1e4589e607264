package engine

import (
	"reflect"
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

// TestMain holds, after all transcripts, that nobody wrote to what all share.
func TestMain(m *testing.M) {
	m.Run()
	if !reflect.ValueOf(*nothing).IsZero() {
		panic("some code wrote to the shared zero of rare without own()")
	}
}

// TestLedgerRoundTrip: opening a ledger and asking for it again gives the same.
func TestLedgerRoundTrip(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	full := Ledger{State: RegSuspended, Firing: 7, Grid: 1, GridWall: at, Next: 2, NextWall: at, LastWall: at, Disarmed: true, Faults: 1, Tries: 2, Losses: 3,
		NotBefore: 4, Alone: true, Cause: SuspendedByFaults, Since: at, Text: "why", Probe: 5, OnceIn: "login", Starts: []time.Duration{6},
		LastEnd: task.Ended{Number: 6, End: task.EndDone, At: at}, LastRun: &task.Run{Attempt: 1}, Counts: task.Counts{Runs: 8}}
	v := reflect.ValueOf(full)
	for i := range v.NumField() {
		if v.Type().Field(i).Name != "TaskID" && v.Field(i).IsZero() {
			t.Fatalf("the test forgets %s", v.Type().Field(i).Name)
		}
	}
	for _, l := range []Ledger{full, {GridWall: at, Next: 3}} {
		r := &reg{}
		r.open(l)
		if got := r.ledger(); !reflect.DeepEqual(got, l) {
			t.Errorf("got %+v\nwant %+v", got, l)
		}
	}
}
