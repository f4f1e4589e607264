package task

import "time"

// dateLayout includes the zone, as does every time that is shown with its date.
const dateLayout = "2006-01-02 15:04:05 MST"

// Days returns how many calendar days t is after now, in now's location: 0 is today, -1
// yesterday.
func Days(t, now time.Time) int {
	date := func(t time.Time) time.Time {
		y, m, d := t.In(now.Location()).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(date(t).Sub(date(now)) / (24 * time.Hour))
}

// Day formats t in now's location: "today 12:30:04", "yesterday 23:00:00", "tomorrow
// 00:00:00", or a date with its zone.
func Day(t, now time.Time) string {
	t = t.In(now.Location())
	switch Days(t, now) {
	case -1:
		return "yesterday " + t.Format(time.TimeOnly)
	case 0:
		return "today " + t.Format(time.TimeOnly)
	case 1:
		return "tomorrow " + t.Format(time.TimeOnly)
	}
	return t.Format(dateLayout)
}
