package calendar

import (
	"fmt"
	"strconv"
	"strings"
)

// A field describes one kind of number in an expression.
type field struct {
	name     string
	min, max int
	open     int      // end of "*" and "5/2"; equals max, except for cron's weekdays, where Sunday is both 0 and 7
	names    []string // names[i] means min+i; it may be shortened to three letters
	onlyName bool     // whether numbers are not allowed
}

var (
	secondField  = field{name: "second", min: 0, max: 59, open: 59}
	minuteField  = field{name: "minute", min: 0, max: 59, open: 59}
	hourField    = field{name: "hour", min: 0, max: 23, open: 23}
	dayField     = field{name: "day of month", min: 1, max: 31, open: 31}
	lastDayField = field{name: "day before the end of the month", min: 1, max: 28, open: 28} // every month has 28 days
	monthField   = field{name: "month", min: 1, max: 12, open: 12}
	yearField    = field{name: "year", min: minYear, max: maxYear, open: maxYear}

	cronMonthField   = field{name: "month", min: 1, max: 12, open: 12, names: monthNames}
	cronWeekdayField = field{name: "day of week", min: 0, max: 7, open: 6, names: append([]string{"sunday"}, weekdayNames[:6]...)}
	weekdayField     = field{name: "weekday", min: 1, max: 7, open: 7, names: weekdayNames, onlyName: true}
)

var (
	monthNames = []string{"january", "february", "march", "april", "may", "june",
		"july", "august", "september", "october", "november", "december"}
	weekdayNames = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
)

// A span is one item of a list: first, first+step, ... up to last.
type span struct {
	first, last, step int
	open              bool // whether last was omitted
}

func (s span) set() (values set) {
	for n := s.first; n <= s.last; n += s.step {
		values |= 1 << n
	}
	return values
}

// list parses items separated by commas, each of the form "a", "a..b", "a/step"
// or "a..b/step", with the given separator in place of the dots.
func (f *field) list(text, separator string) ([]span, *SyntaxError) {
	var spans []span
	for item := range strings.SplitSeq(text, ",") {
		sp, err := f.item(item, separator)
		if err != nil {
			return nil, err
		}
		spans = append(spans, sp)
	}
	return spans, nil
}

func (f *field) item(item, separator string) (span, *SyntaxError) {
	values, stepText, stepped := strings.Cut(item, "/")
	firstText, lastText, ranged := strings.Cut(values, separator)
	first, err := f.value(firstText)
	if err != nil {
		return span{}, err
	}
	sp := span{first: first, last: first, step: 1}
	switch {
	case ranged:
		if sp.last, err = f.value(lastText); err != nil {
			return span{}, err
		}
	case stepped:
		sp.last, sp.open = max(f.open, first), true
	}
	sp = f.toSunday(sp)
	if sp.last < sp.first {
		return span{}, f.errorf("range %q runs backwards; write the smaller end first, or two ranges", values)
	}
	if stepped {
		sp.step, err = f.step(stepText)
	}
	return sp, err
}

// toSunday allows a range of cron's weekdays to end with Sunday, which is both 0
// and 7: "Fri-Sun".
func (f *field) toSunday(sp span) span {
	if f.max > f.open && sp.last == f.min && sp.first > f.min {
		sp.last = f.max
	}
	return sp
}

func (f *field) step(text string) (int, *SyntaxError) {
	size := f.open - f.min + 1
	step, ok := number(text)
	if !ok {
		return 0, f.errorf("step %q is not a number; write 1 to %d after the slash", text, size)
	}
	if step < 1 || step > size {
		return 0, f.errorf("step %s is out of range; 1 to %d are allowed, because a step cannot cross into the next field", text, size)
	}
	return step, nil
}

func (f *field) value(text string) (int, *SyntaxError) {
	if i, ok := nameIndex(f.names, text); ok {
		return f.min + i, nil
	}
	n, ok := number(text)
	if !ok || f.onlyName {
		return 0, f.notValue(text)
	}
	if f.min == minYear {
		n = fullYear(n)
	}
	if n < f.min || n > f.max {
		return 0, f.errorf("%s is out of range; %d to %d are allowed", text, f.min, f.max)
	}
	return n, nil
}

func (f *field) notValue(text string) *SyntaxError {
	switch {
	case text == "":
		return f.errorf("a value is missing; %s", f.allowed())
	case text == "?":
		return f.errorf(`"?" is not supported; write "*" for any value`)
	case strings.HasPrefix(text, "*"):
		return f.errorf(`%q: a star must stand alone; for steps write "%d/2"`, text, f.min)
	case f == &secondField && strings.Contains(text, "."):
		return f.errorf("%q is a fraction; only whole seconds are allowed", text)
	case isQuartz(text):
		return f.errorf(`%q: "L", "W" and "#" are not supported; the last day of a month is "*-*~1", its last Monday "Mon *-*~7/1"`, text)
	}
	return f.errorf("%q is unknown; %s", text, f.allowed())
}

// isQuartz recognizes extensions of other cron dialects: L, 5L, 15W, LW, 1#2.
func isQuartz(text string) bool {
	letters := strings.ToUpper(strings.Trim(text, "0123456789"))
	return letters == "L" || letters == "W" || letters == "LW" || letters == "#"
}

func (f *field) allowed() string {
	numbers := fmt.Sprintf("%d to %d", f.min, f.max)
	if f.names == nil {
		return numbers + " are allowed"
	}
	names := title(f.names[0][:3]) + " to " + title(f.names[len(f.names)-1][:3])
	if f.onlyName {
		return names + " are allowed, or by itself one of " + knownShorthands
	}
	return numbers + " and " + names + " are allowed"
}

func (f *field) errorf(format string, args ...any) *SyntaxError {
	return &SyntaxError{Field: f.name, Reason: fmt.Sprintf(format, args...)}
}

// number parses decimal digits and nothing else. It limits the result to a
// million, which is out of range for every field.
func number(text string) (int, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n > 1_000_000 {
		n = 1_000_000
	}
	return n, true
}

// fullYear converts 69 to 2069 and 70 to 1970, like systemd.
func fullYear(n int) int {
	switch {
	case n < 70:
		return n + 2000
	case n < 100:
		return n + 1900
	}
	return n
}

func nameIndex(names []string, text string) (int, bool) {
	for i, name := range names {
		if strings.EqualFold(text, name) || strings.EqualFold(text, name[:3]) {
			return i, true
		}
	}
	return 0, false
}

func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
