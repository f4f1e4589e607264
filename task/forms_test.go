package task_test

import (
	"encoding/json"
	"testing"

	"github.com/bgtask/bgtask/internal/filled"
	"github.com/bgtask/bgtask/task"
)

// TestSpecRoundTripsByFields writes registrations as JSON and reads them back.
func TestSpecRoundTripsByFields(t *testing.T) {
	filled.RoundTrip(t, filled.Filler{}, func(want task.Spec) (got task.Spec, err error) {
		data, err := json.Marshal(want)
		if err == nil {
			err = json.Unmarshal(data, &got)
		}
		return got, err
	})
}

// TestDetailsRoundTripByFields does the same with what triggers give to Run.
func TestDetailsRoundTripByFields(t *testing.T) {
	filled.RoundTrip(t, filled.Filler{}, func(want task.Details) (task.Details, error) {
		data, err := json.Marshal(want)
		if err != nil {
			return nil, err
		}
		return task.DecodeDetails(data)
	})
}

// TestEqualNoticesEveryField: a registration is not equal to one that lacks
// anything of it, whatever it is.
func TestEqualNoticesEveryField(t *testing.T) {
	n := 0
	filled.EachForgotten(t, filled.Filler{}, func(t *testing.T, whole, without task.Spec) {
		n++
		if diff := filled.Diff(whole, without); diff == "" || whole.Equal(without) || !whole.Equal(whole) {
			t.Errorf("equal, though\n%s", diff)
		}
	})
	if n < 1000 {
		t.Errorf("only %d fields", n)
	}
}
