package main

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// timeless is the instant for which a State leaves out how long it has lasted.
var timeless time.Time

// stamp is a time where nothing is relative.
func (a *app) stamp(t time.Time) string { return t.In(a.zone).Format(time.RFC3339) }

// days counts from today to t, by the calendar: a day need not have 24 hours.
func (a *app) days(t time.Time) int { return task.Days(t, a.now().In(a.zone)) }

// clock is "14:32:10", with the day when it is not today.
func (a *app) clock(t time.Time) string {
	if !a.screen.terminal {
		return a.stamp(t)
	}
	if a.days(t) == 0 {
		return t.In(a.zone).Format(time.TimeOnly)
	}
	return a.day(t)
}

// day is "today 12:30:04", "yesterday 23:00:00" or a date.
func (a *app) day(t time.Time) string {
	if !a.screen.terminal {
		return a.stamp(t)
	}
	return task.Day(t, a.now().In(a.zone))
}

// coming is when something will be: a clock time when that is soon, "in 9 h" when not.
func (a *app) coming(t time.Time) string {
	d := t.Sub(a.now())
	if !a.screen.terminal || d < time.Hour {
		return a.clock(t)
	}
	return "in " + task.Roughly(d)
}

// ago is when something was: "2 h ago", "today".
func (a *app) ago(t time.Time) string {
	if !a.screen.terminal {
		return a.stamp(t)
	}
	d := max(0, a.now().Sub(t))
	switch days := a.days(t); {
	case d < 12*time.Hour:
		return task.Roughly(d) + " ago"
	case days == 0:
		return "today"
	case days == -1:
		return "yesterday"
	}
	return task.Roughly(d) + " ago"
}
