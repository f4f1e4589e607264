package calendar

import (
	"math"
	"time"
)

// maxOffset exceeds the offset of every zone from UTC, in seconds.
const maxOffset = 24 * 60 * 60

// A period is an interval of Unix time, including start and excluding end, in
// which a zone's offset is constant.
type period struct {
	start, end int64
	offset     int64 // seconds east of UTC
}

func periodAt(zone *time.Location, unix int64) period {
	t := time.Unix(unix, 0).In(zone)
	_, offset := t.Zone()
	p := period{start: math.MinInt64, end: math.MaxInt64, offset: int64(offset)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		p.start = min(start.Unix(), unix)
	}
	if !end.IsZero() {
		p.end = end.Unix()
	}
	if p.end <= unix {
		// golang/go#81583: this happens on December 31 of a leap year beyond a zone's table, which in slim files
		// ends in the past. No zone has a rule for those years that changes the clock around New Year.
		p.end = unix + secondsPerDay
	}
	return p
}

// highestWall returns the furthest wall time that the zone's clock has shown up
// to and including a second. It differs from the current wall time only if the
// clock was set back within the last hours.
func highestWall(zone *time.Location, unix int64) int64 {
	p := periodAt(zone, unix)
	highest := unix + p.offset
	for p.start > unix-2*maxOffset {
		last := p.start - 1
		p = periodAt(zone, last)
		highest = max(highest, last+p.offset)
	}
	return highest
}

// reached returns the first second, at or after least, at which the zone's clock
// shows the given wall time or a later one.
func reached(zone *time.Location, wall, least int64) int64 {
	unix := max(least, wall-maxOffset)
	for {
		p := periodAt(zone, unix)
		unix = max(unix, wall-p.offset)
		if unix < p.end {
			return unix
		}
		unix = p.end
	}
}
