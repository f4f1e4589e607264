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
