package task_test

import (
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
