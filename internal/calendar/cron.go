package calendar

import (
	"fmt"
	"slices"
	"strings"
)

// macros are cron's names for common schedules.
var macros = map[string]string{
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
	"@monthly":  "0 0 1 * *",
	"@weekly":   "0 0 * * 0",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@hourly":   "0 * * * *",
}

// isMacro distinguishes macros such as @daily from OnCalendar's @1700000000.
func isMacro(word string) bool {
	return word[0] == '@' && (len(word) == 1 || isLetter(word[1]))
}

func (s *Schedule) parseMacro(words []string) *SyntaxError {
	fields, ok := macros[strings.ToLower(words[0])]
	switch {
	case strings.EqualFold(words[0], "@reboot"):
		return &SyntaxError{Reason: "@reboot is not a time; use a trigger for the start of the system or the session"}
	case strings.EqualFold(words[0], "@every"):
		return &SyntaxError{Reason: "@every is not a calendar expression; use a time trigger with that interval"}
	case !ok:
		return &SyntaxError{Reason: fmt.Sprintf("%q is unknown; @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually are allowed", words[0])}
	case len(words) > 1:
		return &SyntaxError{Reason: fmt.Sprintf("%s must stand alone, but %q follows; give the zone separately from a cron expression", words[0], words[1])}
	}
	return s.parseCron(strings.Fields(fields))
}

// isCron decides by shape. No OnCalendar expression has five words, and one that
// begins with a number or star contains a time. Fewer than five words count as
// cron only for a better error message.
func isCron(words []string) bool {
	first := words[0]
	switch {
	case isLetter(first[0]) || len(words) == 1:
		return false
	case len(words) >= 5:
		return true
	}
	return !strings.ContainsAny(first, "-~@") && !slices.ContainsFunc(words, isTime)
}

func (s *Schedule) parseCron(words []string) *SyntaxError {
	if len(words) != 5 {
		return &SyntaxError{Reason: fmt.Sprintf("%d fields, but cron has 5: minute hour day month weekday. "+
			`Seconds, years and zones can be written as in "Mon..Fri 2030-*-* 09:00:30 Europe/Berlin"`, len(words))}
	}
	targets := []struct {
		field *field
		set   *set
	}{
		{&minuteField, &s.minutes}, {&hourField, &s.hours}, {&dayField, &s.days},
		{&cronMonthField, &s.months}, {&cronWeekdayField, &s.weekdays},
	}
	for i, target := range targets {
		values, err := target.field.cronSet(words[i])
		if err != nil {
			return err
		}
		*target.set = values
	}
	s.weekdays = sundayIsZero(s.weekdays)
	s.seconds = 1 << 0
	s.years.every = true
	// Vixie cron looks only at the first character, so "*/2" does not count as a restriction.
	s.eitherDay = words[2][0] != '*' && words[4][0] != '*'
	return nil
}

// cronSet parses a field of a cron expression, in which "*" stands for the whole
// range.
func (f *field) cronSet(text string) (values set, err *SyntaxError) {
	for item := range strings.SplitSeq(text, ",") {
		rest, star := strings.CutPrefix(item, "*")
		if star && (rest == "" || rest[0] == '/') {
			item = fmt.Sprintf("%d-%d%s", f.min, f.open, rest)
		}
		sp, err := f.item(item, "-")
		if err != nil {
			return 0, err
		}
		values |= sp.set()
	}
	return values, nil
}

func sundayIsZero(weekdays set) set {
	if weekdays.has(7) {
		weekdays = weekdays&^(1<<7) | 1<<0
	}
	return weekdays
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
