package term

import (
	"testing"
	"time"
)

// TestComing checks that a time to come is rounded: right after "every 6 h" the next
// time is in 6 h, although some milliseconds have passed.
func TestComing(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)
	tty := &Terminal{Screen: Screen{Terminal: true}, Now: func() time.Time { return now }, Zone: time.UTC}
	for d, want := range map[time.Duration]string{
		6*time.Hour - 20*time.Millisecond: "in 6 h",
		6*time.Hour + 20*time.Minute:      "in 6 h",
		47*time.Hour + 59*time.Minute:     "in 2 d",
		71*time.Hour + 59*time.Minute:     "in 3 d",
		59 * time.Minute:                  "14:59:00",
	} {
		if got := tty.Coming(now.Add(d)); got != want {
			t.Errorf("in %v: %q, want %q", d, got, want)
		}
	}
}
