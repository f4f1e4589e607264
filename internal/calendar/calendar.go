// Package calendar answers one question: when does a calendar expression come next, in a zone it is given?
//
// Two grammars are read, and told apart by their shape:
//
//   - cron: five fields "minute hour day month weekday" with names, ranges, steps and lists, and the macros
//     @hourly, @daily, ...; when day and weekday are both restricted, either may match, as in Vixie cron
//   - systemd's OnCalendar: "Mon..Fri *-*~01 09:00:30 Europe/Berlin", every part of it optional, and its
//     shorthands such as daily and weekly; see systemd.time(7)
//
// # Clock changes
//
// One rule covers gaps, overlaps and days that a country has skipped: a schedule looks at the furthest that the
// zone's wall clock has ever shown, and fires when that mark reaches or passes a matching time. So what lies in a gap
// fires once, right after it, and what comes twice in an overlap fires the first time only. The mark never goes back,
// therefore [Schedule.Next] is always strictly later than the time it is asked about.
//
// The package is pure: it loads no zone, reads no clock, and the work of a call is bounded whatever the expression.
package calendar

import (
	"fmt"
	"strings"
)

// MaxLen is the longest expression accepted, in bytes.
const MaxLen = 1024

// A Schedule is a parsed calendar expression. It is never changed after [Parse] and so may be shared.
// The zero Schedule never comes.
type Schedule struct {
	text string
	zone string

	seconds, minutes, hours set
	days                    set // of the month, from its start: 1 is the first
	lastDays                set // of the month, from its end: 1 is the last
	weekdays                set // 0 is Sunday
	months                  set
	years                   yearSet

	eitherDay bool // a day matches by days or by weekdays; otherwise it must by both
}

// Parse reads a cron or OnCalendar expression. What it refuses it explains with a [*SyntaxError].
//
// It does not know whether an expression ever comes; February 30 is for [Schedule.Next] to find out.
func Parse(expr string) (*Schedule, error) {
	if len(expr) > MaxLen {
		return nil, &SyntaxError{Expr: expr[:32] + "...", Reason: fmt.Sprintf("%d bytes long; at most %d are allowed", len(expr), MaxLen)}
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
		return &SyntaxError{Reason: `empty; write for example "Mon..Fri 09:00", "daily" or "0 9 * * 1-5"`}
	case isMacro(words[0]):
		return s.parseMacro(words)
	case isCron(words):
		return s.parseCron(words)
	}
	return s.parseOnCalendar(words)
}

// String returns the expression as it was written, with single spaces. Parsing it again gives an equal Schedule.
func (s *Schedule) String() string { return s.text }

// Zone returns the name of the zone that the expression itself carries, or "" when it carries none.
// Whether such a zone exists is for the caller to find out, who loads it.
func (s *Schedule) Zone() string { return s.zone }

// A SyntaxError says what is wrong with an expression and what is allowed instead.
type SyntaxError struct {
	Expr   string // the whole expression
	Field  string // the part that is wrong, such as "hour"; empty when it is the whole
	Reason string
}

func (e *SyntaxError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("calendar expression %q: %s", e.Expr, e.Reason)
	}
	return fmt.Sprintf("calendar expression %q: %s: %s", e.Expr, e.Field, e.Reason)
}
