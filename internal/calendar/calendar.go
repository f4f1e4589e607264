// Package calendar computes when a calendar expression next fires in a given time
// zone.
//
// It reads two grammars and distinguishes them by their shape:
//
//   - cron: five fields "minute hour day month weekday" with names, ranges, steps and
//     lists, and the macros @hourly, @daily, ...; if day and weekday are both
//     restricted, either may match, as in Vixie cron
//   - systemd's OnCalendar: "Mon..Fri *-*~01 09:00:30 Europe/Berlin", in which every
//     part is optional, and its shorthands such as daily and weekly; see
//     systemd.time(7)
//
// # Clock changes
//
// One rule covers gaps, overlaps and days that a country skipped. A schedule
// follows the furthest time that the zone's wall clock has ever shown, and fires
// when that mark reaches or passes a matching time. So a time in a gap fires
// once, right after the gap, and a time that occurs twice in an overlap fires
// only the first time. The mark never goes back; therefore [Schedule.Next] always
// returns a time strictly after its argument.
//
// The package is pure: it loads no zone and reads no clock. The work of a call is
// bounded for every expression.
package calendar

import (
	"fmt"
	"strings"
)

// MaxLen is the length limit of an expression in bytes.
const MaxLen = 1024

// A Schedule is a parsed calendar expression. It is immutable after [Parse] and
// may be shared. The zero Schedule never fires.
type Schedule struct {
	text string
	zone string

	seconds, minutes, hours set
	days                    set // days of the month; 1 is the first
	lastDays                set // days counted from the end of the month; 1 is the last
	weekdays                set // 0 is Sunday
	months                  set
	years                   yearSet

	eitherDay bool // whether a day matches by days or by weekdays; otherwise both must match
}

// Parse parses a cron or OnCalendar expression. Its errors are of type
// [*SyntaxError].
//
// It does not check whether the expression ever fires: February 30 is accepted,
// and [Schedule.Next] returns false.
func Parse(expr string) (*Schedule, error) {
	if len(expr) > MaxLen {
		return nil, &SyntaxError{Expr: expr[:32] + "...", Reason: fmt.Sprintf("it has %d bytes; at most %d are allowed", len(expr), MaxLen)}
	}
	words := strings.Fields(expr)
	s := &Schedule{text: strings.Join(words, " ")}
	if err := s.parse(words); err != nil {
		err.Expr = s.text
		return nil, err
	}
	return s, nil
}

func (s *Schedule) parse(words []string) *SyntaxError {
	switch {
	case len(words) == 0:
		return &SyntaxError{Reason: `it is empty; write for example "Mon..Fri 09:00", "daily" or "0 9 * * 1-5"`}
	case isMacro(words[0]):
		return s.parseMacro(words)
	case isCron(words):
		return s.parseCron(words)
	}
	return s.parseOnCalendar(words)
}

// String returns the expression as written, with single spaces. Parsing it again
// gives an equal Schedule.
func (s *Schedule) String() string { return s.text }

// Zone returns the name of the zone in the expression, or "" if it has none. It
// does not check whether the zone exists; the caller does so when loading it.
func (s *Schedule) Zone() string { return s.zone }

// A SyntaxError describes what is wrong with an expression and what is allowed
// instead.
type SyntaxError struct {
	Expr   string // the whole expression
	Field  string // the part that is wrong, such as "hour"; "" for the whole expression
	Reason string
}

// Error returns the description with the expression.
func (e *SyntaxError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("calendar expression %q: %s", e.Expr, e.Reason)
	}
	return fmt.Sprintf("calendar expression %q: %s: %s", e.Expr, e.Field, e.Reason)
}
