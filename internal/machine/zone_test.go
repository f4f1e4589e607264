//go:build linux

package machine

import (
	"testing"
	"time"
)

func TestTimeZone(t *testing.T) {
	t.Parallel()
	m := ready(t)
	said := m.watch()
	m.bgtask("add", "noon", "--calendar", "*-*-* 12:00", "--", "true")
	m.bgtask("add", "elsewhere", "--calendar", "*-*-* 12:00 America/New_York", "--", "true")
	m.bgtask("add", "traveled", "--on", "time-zone", "--", "true")
	before := m.task("elsewhere").State.Next
	m.nextAt("noon", 12, time.UTC)

	m.root("timedatectl", "set-timezone", "Asia/Tokyo")
	said.ended("traveled", "completed", "")
	m.nextAt("noon", 12, time.FixedZone("Tokyo", 9*60*60))
	if after := m.task("elsewhere").State.Next; !after.Equal(*before) {
		t.Errorf("a task with its own zone was due at %v, and is at %v", before, after)
	}
	m.root("timedatectl", "set-timezone", "Asia/Seoul") // the same offset
	m.root("timedatectl", "set-timezone", "Europe/London")
	said.ended("traveled", "completed", "")
	if n := m.task("traveled").State.Phase; n != "waiting" {
		t.Errorf("traveled is %s", n)
	}
}

// nextAt checks when a task is due next.
func (m *machine) nextAt(name string, hour int, zone *time.Location) {
	m.t.Helper()
	next := m.task(name).State.Next
	if next == nil || !next.After(time.Now()) || time.Until(*next) > 25*time.Hour {
		m.t.Fatalf("%s is due at %v", name, next)
	}
	if at := next.In(zone); at.Hour() != hour || at.Minute() != 0 {
		m.t.Errorf("%s is due at %v", name, at)
	}
}
