package calendar

import (
	"math"
	"time"
)

// maxOffset is more than any zone is away from UTC, in seconds.
const maxOffset = 24 * 60 * 60

// A period is a stretch of Unix time, start included and end not, in which a zone keeps its offset.
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
		// golang/go#81583: so it is on December 31 of a leap year beyond a zone's table, which in slim files ends
		// in the past. No zone's rule for those years changes the clock around New Year.
		p.end = unix + secondsPerDay
	}
	return p
}

// highestWall returns the furthest wall time that the zone's clock has shown up to and including a second.
// It is behind us only when the clock was set back in the last hours.
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

// reached returns the first second, not before the least one, at which the zone's clock shows a wall time or more.
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
