//go:build linux

package rpc

import (
	"cmp"
	"fmt"
	"time"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/task"
)

// Calendar parses the expression of a calendar trigger and returns the time zone that
// it names, "" for the machine's. Other triggers have no calendar. Nor does an
// expression that cannot be parsed: the engine refuses it, with the reason.
func Calendar(t task.Trigger) (schedule *calendar.Schedule, zone string) {
	c, ok := t.(task.CalendarTrigger)
	if !ok {
		return nil, ""
	}
	schedule, err := calendar.Parse(c.Expr)
	if err != nil {
		return nil, c.Zone
	}
	return schedule, cmp.Or(c.Zone, schedule.Zone())
}

// Zone loads the time zone that a task's calendar names. Nil means the machine's zone.
func Zone(taskName, name string) (*time.Location, error) {
	if name == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, &task.Error{Subject: taskName, Err: task.ErrInvalid, Detail: fmt.Sprintf("this machine has no time zone %q", name),
			Hint: "zone names look like Europe/Berlin"}
	}
	return zone, nil
}
