package task_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

func TestTook(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name string
		run  task.Run
		took time.Duration
		ok   bool
	}{
		{"never entered", task.Run{Started: at, Ended: at.Add(time.Hour)}, 0, false},
		{"live", task.Run{Entered: at}, 0, false},
		{"over a sleep", task.Run{Entered: at, Ended: at.Add(time.Hour), Awake: time.Minute}, time.Minute, true},
		{"the clock was set back", task.Run{Entered: at, Ended: at.Add(-time.Hour), Awake: time.Minute}, time.Minute, true},
		{"lost with its boot", task.Run{Entered: at, Ended: at.Add(time.Hour)}, time.Hour, true},
		{"lost, and the clock behind", task.Run{Entered: at, Ended: at.Add(-time.Hour)}, 0, true},
	} {
		if took, ok := test.run.Took(); took != test.took || ok != test.ok {
			t.Errorf("%s: %v, %v, not %v, %v", test.name, took, ok, test.took, test.ok)
		}
	}
}

// TestRunString checks that a run that was not canceled does not mention the reason
// that its zero Reason would be, and that a canceled one names its reason once.
func TestRunString(t *testing.T) {
	began := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	for want, run := range map[string]task.Run{
		"not ended":               {Entered: began},
		"completed":               {Outcome: task.Completed},
		"completed in 20 s":       {Outcome: task.Completed, Entered: began, Ended: began.Add(20 * time.Second)},
		"failed, exit 3":          {Outcome: task.Failed, Exit: "exit 3"},
		"canceled: ConditionLoss": {Outcome: task.Canceled, Reason: task.ReasonConditionLoss},
	} {
		if got := fmt.Sprint(run); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
