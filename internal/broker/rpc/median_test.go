//go:build linux

package rpc

import (
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

// The time for which the machine slept during a run does not count.
func TestTheMedianIsOfAwakeTime(t *testing.T) {
	entered := time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)
	ended := func(after, awake time.Duration) task.Event {
		return task.Event{Run: &task.Run{Entered: entered, Ended: entered.Add(after), Awake: awake}}
	}
	never := task.Event{Run: &task.Run{Ended: entered}}
	if d, of := median([]task.Event{ended(3*time.Hour, 2*time.Second), never, ended(4*time.Second, 0)}); d != 4*time.Second || of != 2 {
		t.Errorf("the median is %v of %d", d, of)
	}
	if d, of := median([]task.Event{never}); d != 0 || of != 0 {
		t.Errorf("of nothing it is %v of %d", d, of)
	}
}
