package task

import (
	"strconv"
	"strings"
	"time"
)

// Interval formats a configured duration in full: "30 min", "72 h", "1 h 30 min",
// "1.5 s". More than three whole days are shown in days.
func Interval(d time.Duration) string {
	const day = 24 * time.Hour
	if d < 0 {
		return "-" + Interval(-d)
	}
	if d > 3*day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + " d"
	}
	var parts []string
	for _, u := range []struct {
		size time.Duration
		name string
	}{{time.Hour, " h"}, {time.Minute, " min"}} {
		if n := d / u.size; n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+u.name)
			d -= n * u.size
		}
	}
	if d > 0 || len(parts) == 0 {
		parts = append(parts, strconv.FormatFloat(d.Seconds(), 'f', -1, 64)+" s")
	}
	return strings.Join(parts, " ")
}

// Duration formats a measured duration in at most two units: "1 h 28 min",
// "13 min 20 s", "1.2 s", "35 ms".
func Duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + Duration(-d)
	case d < 10*time.Microsecond:
		return "0 s"
	case d < 10*time.Millisecond:
		return tenths(d, time.Millisecond) + " ms"
	case d < 100*time.Millisecond-time.Millisecond/2:
		return whole(d, time.Millisecond) + " ms"
	case d < 10*time.Second-50*time.Millisecond:
		return tenths(d, time.Second) + " s"
	case d < time.Minute-time.Second/2:
		return whole(d, time.Second) + " s"
	case d < time.Hour-time.Second/2:
		return pair(d.Round(time.Second), time.Minute, " min", time.Second, " s")
	case d < 72*time.Hour-time.Minute/2:
		return pair(d.Round(time.Minute), time.Hour, " h", time.Minute, " min")
	}
	return pair(d.Round(time.Hour), 24*time.Hour, " d", time.Hour, " h")
}

// Roughly formats a duration in one unit, rounded down: "2 h", "4 min", "13 s". Below ten
// seconds, it is the same as Duration.
func Roughly(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return strconv.FormatInt(int64(d/day), 10) + " d"
	case d >= time.Hour:
		return strconv.FormatInt(int64(d/time.Hour), 10) + " h"
	case d >= time.Minute:
		return strconv.FormatInt(int64(d/time.Minute), 10) + " min"
	case d >= 10*time.Second:
		return strconv.FormatInt(int64(d/time.Second), 10) + " s"
	}
	return Duration(d)
}

// coarse is Duration without seconds, for durations that grow while they are shown.
func coarse(d time.Duration) string {
	if d >= time.Minute {
		return Duration(d.Truncate(time.Minute))
	}
	return Roughly(d)
}

func whole(d, unit time.Duration) string {
	return strconv.FormatInt(int64(d.Round(unit)/unit), 10)
}

func tenths(d, unit time.Duration) string {
	s := strconv.FormatFloat(float64(d)/float64(unit), 'f', 1, 64)
	return strings.TrimSuffix(s, ".0")
}

func pair(d, big time.Duration, bigName string, small time.Duration, smallName string) string {
	s := strconv.FormatInt(int64(d/big), 10) + bigName
	if rest := d % big / small; rest > 0 {
		s += " " + strconv.FormatInt(int64(rest), 10) + smallName
	}
	return s
}
