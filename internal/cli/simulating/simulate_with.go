package simulating

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

// withGrammar explains --with, in the hint of an error.
const withGrammar = `write FACT=VALUE, "FACT=VALUE 09:00-11:00" (every day), "FACT=VALUE Mon..Fri 09:00-11:00", "FACT=VALUE Sat,Sun", or "FACT=VALUE 2026-12-01T10:00..2026-12-01T12:00" (once)`

// with is a --with: the value that a fact is assumed to have, and when.
type with struct {
	fact  string
	value task.Value

	from, until time.Time // once; zero means the beginning and the end of the simulation

	daily      bool
	days       [7]bool // by time.Weekday, on which the span begins
	begin, end clockTime
}

// clockTime is a time of day, in seconds that clocks show after midnight. 24:00 is the
// next midnight.
type clockTime int

const dayEnds clockTime = 24 * 60 * 60

// parseWith parses a --with. Times without an offset are in zone.
func parseWith(s string, zone *time.Location) (with, error) {
	assignment, when, _ := strings.Cut(strings.TrimSpace(s), " ")
	when = strings.TrimSpace(when)
	w := with{}
	name, value, ok := strings.Cut(assignment, "=")
	if !ok || name == "" || value == "" {
		return w, badWith(s, fmt.Sprintf("%q is not FACT=VALUE", assignment))
	}
	if value == task.Unknown.String() {
		value = string(task.Unknown)
	}
	w.fact, w.value = name, task.Value(value)
	if err := checkWith(s, w); err != nil {
		return w, err
	}
	var wrong string
	switch {
	case when == "":
	case isDays(when):
		days, span, some := strings.Cut(when, " ")
		if !some {
			span = "00:00-24:00"
		}
		if wrong = w.setDays(days); wrong == "" {
			wrong = w.setDaily(strings.TrimSpace(span))
		}
	case strings.Contains(when, ".."):
		wrong = w.setOnce(when, zone)
	default:
		w.days = [7]bool{true, true, true, true, true, true, true}
		wrong = w.setDaily(when)
	}
	if wrong != "" {
		return w, badWith(s, wrong)
	}
	return w, nil
}

func badWith(s, wrong string) error {
	return term.Refuse(fmt.Sprintf("--with %q: %s", term.Cut(s, 100), wrong), withGrammar)
}

// checkWith checks the fact and its value against the table of facts.
func checkWith(s string, w with) error {
	slip := verb.FactSlip(w.fact, w.value)
	if slip == nil {
		return nil
	}
	return &task.Error{Err: slip.Err, Detail: fmt.Sprintf("--with %q: %s", term.Cut(s, 100), slip.Detail), Hint: slip.Hint}
}

var dayNames = [7]string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

func isDays(when string) bool {
	return when[0] >= 'A' && when[0] <= 'Z' || when[0] >= 'a' && when[0] <= 'z'
}

// setDays parses "Mon..Fri" or "Sat,Sun". It returns what is wrong, or "".
func (w *with) setDays(s string) (wrong string) {
	for _, part := range strings.Split(s, ",") {
		first, last, isRange := strings.Cut(part, "..")
		if !isRange {
			last = first
		}
		from, to := dayNamed(first), dayNamed(last)
		if from < 0 || to < 0 {
			return fmt.Sprintf("%q does not name days of the week; use Mon Tue Wed Thu Fri Sat Sun", part)
		}
		for day := from; ; day = (day + 1) % len(dayNames) {
			w.days[day] = true
			if day == to {
				break
			}
		}
	}
	return ""
}

func dayNamed(s string) int {
	return slices.IndexFunc(dayNames[:], func(name string) bool { return strings.EqualFold(s, name) })
}

// setDaily parses "09:00-11:00". An end that is not after the beginning is on the next
// day. It returns what is wrong, or "".
func (w *with) setDaily(s string) (wrong string) {
	begin, end, ok := strings.Cut(s, "-")
	if !ok {
		return fmt.Sprintf("%q is not a time span", s)
	}
	if w.begin, ok = parseClock(begin); !ok || w.begin == dayEnds {
		return fmt.Sprintf("%q is not a time of day", begin)
	}
	if w.end, ok = parseClock(end); !ok {
		return fmt.Sprintf("%q is not a time of day", end)
	}
	if w.begin == w.end {
		return "the span is empty; all day is 00:00-24:00"
	}
	w.daily = true
	return ""
}

func parseClock(s string) (clockTime, bool) {
	s = strings.TrimSpace(s)
	if s == "24:00" || s == "24:00:00" {
		return dayEnds, true
	}
	for _, layout := range []string{"15:04", time.TimeOnly} {
		if t, err := time.Parse(layout, s); err == nil && t.Nanosecond() == 0 {
			h, m, sec := t.Clock()
			return clockTime((h*60+m)*60 + sec), true
		}
	}
	return 0, false
}

// onceLayouts are the layouts of the ends of a single span.
var onceLayouts = append(slices.Clone(term.AtLayouts), time.DateOnly)

// setOnce parses "TIME..TIME", where one time may be missing. It returns what is wrong,
// or "".
func (w *with) setOnce(s string, zone *time.Location) (wrong string) {
	from, until, _ := strings.Cut(s, "..")
	for _, side := range []struct {
		text string
		at   *time.Time
	}{{from, &w.from}, {until, &w.until}} {
		if side.text = strings.TrimSpace(side.text); side.text == "" {
			continue
		}
		t, ok := parseOnce(side.text, zone)
		if !ok {
			return fmt.Sprintf("%q is not a time", side.text)
		}
		*side.at = t
	}
	switch {
	case w.from.IsZero() && w.until.IsZero():
		return "the span has neither a beginning nor an end"
	case !w.from.IsZero() && !w.until.IsZero() && !w.until.After(w.from):
		return "the span ends before it begins"
	}
	return ""
}

func parseOnce(s string, zone *time.Location) (time.Time, bool) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, true
	}
	return term.ParseIn(zone, s, onceLayouts)
}

// suppositions returns the spans of a simulation from begin to end, in zone.
func (w with) suppositions(begin, end time.Time, zone *time.Location) []task.Supposition {
	if !w.daily {
		return []task.Supposition{{Fact: w.fact, Value: w.value, From: w.from, Until: w.until}}
	}
	var all []task.Supposition
	y, m, d := begin.In(zone).Date()
	for n := -1; ; n++ { // yesterday's span may reach into today
		day := time.Date(y, m, d+n, 12, 0, 0, 0, zone)
		from := onDay(day, w.begin)
		if !from.Before(end) {
			return all
		}
		last := day
		if w.end <= w.begin {
			last = time.Date(y, m, d+n+1, 12, 0, 0, 0, zone)
		}
		until := onDay(last, w.end)
		if w.days[day.Weekday()] && until.After(from) && until.After(begin) { // clocks may skip all of it
			all = append(all, task.Supposition{Fact: w.fact, Value: w.value, From: from, Until: until})
		}
	}
}

// onDay returns the instant of a day at which clocks first show c. If a clock change
// skips c, it is the instant of the change.
func onDay(day time.Time, c clockTime) time.Time {
	y, m, d := day.Date()
	t := time.Date(y, m, d, 0, 0, int(c), 0, day.Location())
	wanted := time.Date(y, m, d, 0, 0, int(c), 0, time.UTC)
	y, m, d = t.Date()
	hour, minute, second := t.Clock()
	shown := time.Date(y, m, d, hour, minute, second, 0, time.UTC)
	begin, end := t.ZoneBounds()
	switch {
	case shown.Before(wanted):
		return end
	case shown.After(wanted):
		return begin
	case begin.IsZero():
		return t
	}
	_, before := begin.Add(-1).Zone()
	_, now := t.Zone()
	if back := time.Duration(before-now) * time.Second; back > 0 && t.Sub(begin) < back {
		return t.Add(-back) // clocks show it twice
	}
	return t
}
