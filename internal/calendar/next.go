package calendar

import (
	"math/bits"
	"time"
)

// horizon is how far ahead Next looks. The rarest date, a February 29 on a given
// weekday, is at most 40 years away.
const horizon = 50 // years

// Next returns the first time strictly after the given one at which the schedule
// fires in the zone. It returns false if there is none within 50 years. A nil
// zone means UTC. The zone's offset must be less than 24 hours, as for all zones
// on Earth.
func (s *Schedule) Next(after time.Time, zone *time.Location) (time.Time, bool) {
	if zone == nil {
		zone = time.UTC
	}
	if year := after.Year(); year < 0 || year > 9999 { // far from an overflow of seconds
		return time.Time{}, false
	}
	unix := after.Unix()
	wall, ok := s.nextWall(highestWall(zone, unix) + 1)
	if !ok {
		return time.Time{}, false
	}
	next := time.Unix(reached(zone, wall, unix+1), 0).In(zone)
	if next.After(after.AddDate(horizon, 0, 0)) {
		return time.Time{}, false
	}
	return next, true
}

const secondsPerDay = 24 * 60 * 60

// nextWall returns the first match at or after a wall time. Wall times are
// counted in seconds as if the zone were UTC.
func (s *Schedule) nextWall(from int64) (int64, bool) {
	t := time.Unix(from, 0).UTC()
	midnight := from - int64(t.Hour()*3600+t.Minute()*60+t.Second())
	m := month{year: t.Year(), month: t.Month(), start: midnight - int64(t.Day()-1)*secondsPerDay}

	if s.daysIn(m).has(t.Day()) {
		if second, ok := s.timeOfDay(t.Clock()); ok {
			return midnight + int64(second), true
		}
	}
	least := t.Day() + 1
	for range horizon*12 + 2 { // plus the current month, and one that a zone's offset may reach into
		if day, ok := s.daysIn(m).from(least); ok {
			second, _ := s.timeOfDay(0, 0, 0)
			return m.start + int64(day-1)*secondsPerDay + int64(second), true
		}
		m, least = m.next(), 1
	}
	return 0, false
}

// timeOfDay returns the first matching second of the day at or after the given
// time.
func (s *Schedule) timeOfDay(hour, minute, second int) (int, bool) {
	if s.hours.has(hour) {
		if s.minutes.has(minute) {
			if c, ok := s.seconds.from(second); ok {
				return hour*3600 + minute*60 + c, true
			}
		}
		if m, ok := s.minutes.from(minute + 1); ok {
			return hour*3600 + m*60 + s.seconds.first(), true
		}
	}
	h, ok := s.hours.from(hour + 1)
	return h*3600 + s.minutes.first()*60 + s.seconds.first(), ok
}

// daysIn returns the matching days of a month.
func (s *Schedule) daysIn(m month) set {
	if !s.months.has(int(m.month)) || !s.years.has(m.year) {
		return 0
	}
	n := m.days()
	byDay := s.days | set(bits.Reverse64(uint64(s.lastDays))>>(62-n)) // moves bit k to 63-k, and then to n+1-k
	byWeekday := m.onWeekdays(s.weekdays)
	matching := byDay & byWeekday
	if s.eitherDay {
		matching = byDay | byWeekday
	}
	return matching & (1<<(n+1) - 2)
}

// A month is a month of a particular year.
type month struct {
	year  int
	month time.Month
	start int64 // first second, as a wall time
}

func (m month) days() int {
	switch m.month {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if m.year%4 == 0 && (m.year%100 != 0 || m.year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

func (m month) next() month {
	m.start += int64(m.days()) * secondsPerDay
	if m.month++; m.month > time.December {
		m.year, m.month = m.year+1, time.January
	}
	return m
}

// onWeekdays returns the days of the month that fall on one of the weekdays. The
// set may contain days beyond the end of the month.
func (m month) onWeekdays(weekdays set) set {
	const thursday = 4 // the weekday of day 0 of Unix time
	first := ((m.start/secondsPerDay+thursday)%7 + 7) % 7
	week := (weekdays>>first | weekdays<<(7-first)) & everyWeekday
	const weeks = 1 | 1<<7 | 1<<14 | 1<<21 | 1<<28
	return week * weeks << 1
}
