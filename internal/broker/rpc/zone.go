//go:build linux

package rpc

import (
	"fmt"
	"time"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/task"
)

// Zone loads the time zone that a spec's calendar names. Nil means the machine's zone.
func Zone(spec task.Spec) (*time.Location, error) {
	name := ZoneName(spec.Trigger)
	if name == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, &task.Error{Subject: spec.Name, Err: task.ErrInvalid, Detail: fmt.Sprintf("this machine has no time zone %q", name),
			Hint: "zone names look like Europe/Berlin"}
	}
	return zone, nil
}

// ZoneName returns the time zone that a calendar trigger names, or "".
func ZoneName(t task.Trigger) string {
	c, ok := t.(task.CalendarTrigger)
	if !ok {
		return ""
	}
	if c.Zone != "" {
		return c.Zone
	}
	if schedule, err := calendar.Parse(c.Expr); err == nil {
		return schedule.Zone()
	}
	return "" // the engine refuses the expression, with the reason
}
