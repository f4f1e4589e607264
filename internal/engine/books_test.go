package engine

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/filled"
	"github.com/bgtask/bgtask/task"
)

// TestMain holds, after all transcripts, that nobody wrote to what all share.
func TestMain(m *testing.M) {
	m.Run()
	if !reflect.ValueOf(*nothing).IsZero() {
		panic("some code wrote to the shared zero of rare without own()")
	}
}

// TestRegistrationRoundTrip: a registration that is split into what all have and
// what few have is the same when it is put together again.
func TestRegistrationRoundTrip(t *testing.T) {
	filled.RoundTrip(t, filled.Filler{}, func(want task.Spec) (task.Spec, error) { return termsOf(want).whole(), nil })
}

// TestLedgerRoundTrip: opening a ledger and asking for it again gives the same.
func TestLedgerRoundTrip(t *testing.T) {
	filled.Each(t, filled.Filler{}, func(t *testing.T, want Ledger) {
		want.GridWall = time.Unix(1, 0).UTC() // every ledger has one
		want.TaskID = task.GUID{}             // which is the registration's
		want.Faults, want.Tries, want.Losses = want.Faults&math.MaxInt32, want.Tries&math.MaxInt32, want.Losses&math.MaxInt32
		r := &reg{}
		r.open(want)
		if diff := filled.Diff(want, r.ledger()); diff != "" {
			t.Error(diff)
		}
	})
}
