package term

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// Timeless is the instant for which a State does not say how long it has lasted.
var Timeless time.Time

// Stamp formats an absolute time, for files and pipes.
func (tty *Terminal) Stamp(t time.Time) string { return t.In(tty.Zone).Format(time.RFC3339) }

// Days returns the number of calendar days from today to t. A day need not have 24
// hours.
func (tty *Terminal) Days(t time.Time) int { return task.Days(t, tty.Now().In(tty.Zone)) }

// Clock formats a time as "14:32:10", with the day if it is not today.
func (tty *Terminal) Clock(t time.Time) string {
	if !tty.Screen.Terminal {
		return tty.Stamp(t)
	}
	if tty.Days(t) == 0 {
		return t.In(tty.Zone).Format(time.TimeOnly)
	}
	return tty.Day(t)
}

// Day formats a time as "today 12:30:04", "yesterday 23:00:00" or with a date.
func (tty *Terminal) Day(t time.Time) string {
	if !tty.Screen.Terminal {
		return tty.Stamp(t)
	}
	return task.Day(t, tty.Now().In(tty.Zone))
}

// Coming formats a time to come: the time itself within an hour, else "in 9 h".
func (tty *Terminal) Coming(t time.Time) string {
	d := t.Sub(tty.Now())
	if !tty.Screen.Terminal || d < time.Hour {
		return tty.Clock(t)
	}
	unit := time.Hour
	if d >= 2*24*time.Hour {
		unit = 24 * time.Hour
	}
	return "in " + task.Roughly(d.Round(unit))
}

// Ago formats a time in the past: "2 h ago", "today".
func (tty *Terminal) Ago(t time.Time) string {
	if !tty.Screen.Terminal {
		return tty.Stamp(t)
	}
	d := max(0, tty.Now().Sub(t))
	switch days := tty.Days(t); {
	case d < 12*time.Hour:
		return task.Roughly(d) + " ago"
	case days == 0:
		return "today"
	case days == -1:
		return "yesterday"
	}
	return task.Roughly(d) + " ago"
}

// AtLayouts are the layouts of a date with a time, as --at and --with accept them.
var AtLayouts = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"}

// ParseIn parses a time in zone with the first layout that fits.
func ParseIn(zone *time.Location, s string, layouts []string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// NextClock returns the next time at which clocks show the time of day of t.
func (tty *Terminal) NextClock(t time.Time) time.Time {
	now := tty.Now().In(tty.Zone)
	y, m, d := now.Date()
	next := time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, tty.Zone)
	if !next.After(now) {
		next = time.Date(y, m, d+1, t.Hour(), t.Minute(), t.Second(), 0, tty.Zone)
	}
	return next
}
