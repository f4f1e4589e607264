package calendar

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// shorthands are systemd's names for common schedules.
var shorthands = map[string]string{
	"minutely":     "*-*-* *:*:00",
	"hourly":       "*-*-* *:00:00",
	"daily":        "*-*-* 00:00:00",
	"weekly":       "Mon *-*-* 00:00:00",
	"monthly":      "*-*-01 00:00:00",
	"quarterly":    "*-01,04,07,10-01 00:00:00",
	"semiannually": "*-01,07-01 00:00:00",
	"biannually":   "*-01,07-01 00:00:00",
	"yearly":       "*-01-01 00:00:00",
	"annually":     "*-01-01 00:00:00",
}

const knownShorthands = "minutely, hourly, daily, weekly, monthly, quarterly, semiannually, yearly"

// parseOnCalendar parses [weekdays] [date] [time] [zone], of which at least one
// of the first three must be present.
func (s *Schedule) parseOnCalendar(words []string) *SyntaxError {
	words, err := s.cutZone(words)
	if err != nil {
		return err
	}
	if long, ok := shorthands[strings.ToLower(words[0])]; ok && len(words) == 1 {
		words = strings.Fields(long)
	}
	if strings.HasPrefix(words[0], "@") {
		return s.parseInstant(words)
	}
	s.weekdays, s.days, s.months = everyWeekday, everyDay, everyMonth
	s.years.every = true
	s.hours, s.minutes, s.seconds = 1<<0, 1<<0, 1<<0

	parts := []struct {
		is    func(string) bool
		parse func(string) *SyntaxError
	}{
		{isWeekdays, s.parseWeekdays}, {isDate, s.parseDate}, {isTime, s.parseTime},
	}
	for _, part := range parts {
		if len(words) == 0 || !part.is(words[0]) {
			continue
		}
		if err := part.parse(words[0]); err != nil {
			return err
		}
		words = words[1:]
	}
	if len(words) > 0 {
		return unexpected(words[0])
	}
	return nil
}

const (
	everyWeekday set = 1<<7 - 1
	everyDay     set = 1<<32 - 2
	everyMonth   set = 1<<13 - 2
)

func isWeekdays(word string) bool { return isLetter(word[0]) }
func isTime(word string) bool     { return strings.Contains(word, ":") }
func isDate(word string) bool     { return !isTime(word) && strings.ContainsAny(word, "-~") }

func unexpected(word string) *SyntaxError {
	if isWeekdays(word) || isDate(word) || isTime(word) {
		return &SyntaxError{Reason: fmt.Sprintf("%q is out of place; the order is weekdays, date, time, zone, each a single word and at most once", word)}
	}
	return &SyntaxError{Reason: fmt.Sprintf(`%q is neither a date such as "*-*-01" nor a time such as "09:00"`, word)}
}

// cutZone removes a zone from the end of the words. The first word is never a
// zone.
func (s *Schedule) cutZone(words []string) ([]string, *SyntaxError) {
	last := words[len(words)-1]
	if len(words) == 1 || !isLetter(last[0]) {
		return words, nil
	}
	if _, ok := nameIndex(weekdayNames, strings.FieldsFunc(last, isSeparator)[0]); ok {
		return nil, &SyntaxError{Field: "weekday", Reason: fmt.Sprintf(`%q is last, but weekdays come first, in one word such as "Mon,Wed" or "Mon..Fri"`, last)}
	}
	if _, ok := shorthands[strings.ToLower(last)]; ok {
		return nil, &SyntaxError{Reason: fmt.Sprintf("%q must stand alone, or be followed only by a zone", last)}
	}
	if !isZoneName(last) {
		return nil, &SyntaxError{Field: "zone", Reason: fmt.Sprintf(`%q is not the name of a zone; "UTC" and names such as "Europe/Berlin" are allowed`, last)}
	}
	if strings.EqualFold(last, "UTC") {
		last = "UTC"
	}
	s.zone = last
	return words[:len(words)-1], nil
}

func isSeparator(r rune) bool { return 'a' > r|0x20 || r|0x20 > 'z' }

// isZoneName reports whether it is safe to look up a name in a zone database. It
// rejects paths that could leave the database, and "Local", which the time
// package interprets as the machine's zone.
func isZoneName(word string) bool {
	if strings.EqualFold(word, "Local") {
		return false
	}
	for part := range strings.SplitSeq(word, "/") {
		if part == "" || strings.TrimFunc(part, isZoneRune) != "" {
			return false
		}
	}
	return true
}

func isZoneRune(r rune) bool {
	return !isSeparator(r) || '0' <= r && r <= '9' || r == '_' || r == '-' || r == '+'
}

func (s *Schedule) parseWeekdays(word string) *SyntaxError {
	if strings.Contains(word, "=") {
		return &SyntaxError{Reason: fmt.Sprintf("%q: settings are not allowed; give the zone separately from the expression", word)}
	}
	spans, err := weekdayField.list(strings.ReplaceAll(strings.TrimSuffix(word, ","), "-", ".."), "..")
	if err != nil {
		return err
	}
	s.weekdays = 0
	for _, sp := range spans {
		if sp.open || sp.step > 1 {
			return weekdayField.errorf("%q: weekdays have no steps", word)
		}
		s.weekdays |= sp.set()
	}
	s.weekdays = sundayIsZero(s.weekdays)
	return nil
}

// parseDate parses "year-month-day" and "month-day", either with "~" before the
// day.
func (s *Schedule) parseDate(word string) (err *SyntaxError) {
	day := word[strings.LastIndexAny(word, "-~")+1:]
	fromEnd := strings.HasSuffix(word[:len(word)-len(day)], "~")
	before := strings.Split(word[:len(word)-len(day)-1], "-")
	if len(before) > 2 || strings.Contains(word[:len(word)-len(day)-1], "~") {
		return &SyntaxError{Field: "date", Reason: fmt.Sprintf(`%q is not a date; "year-month-day" and "month-day" are allowed, with "~" before the day to count from the end of the month`, word)}
	}
	if len(before) == 2 {
		if err = s.parseYears(before[0]); err != nil {
			return err
		}
	}
	if s.months, err = monthField.onCalendarSet(before[len(before)-1], everyMonth); err != nil {
		return err
	}
	if fromEnd {
		return s.parseLastDays(day)
	}
	s.days, err = dayField.onCalendarSet(day, everyDay)
	return err
}

func (s *Schedule) parseYears(text string) *SyntaxError {
	if text == "*" {
		return nil
	}
	spans, err := yearField.list(text, "..")
	if err != nil {
		return err
	}
	s.years.every = false
	for _, sp := range spans {
		for year := sp.first; year <= sp.last; year += sp.step {
			s.years.add(year)
		}
	}
	return nil
}

// parseLastDays parses days counted from the end of the month. A repetition still
// advances in time: "~07/2" means the seventh, fifth, third and first day from
// the end.
func (s *Schedule) parseLastDays(text string) *SyntaxError {
	if text == "*" {
		return nil
	}
	spans, err := lastDayField.list(text, "..")
	if err != nil {
		return err
	}
	s.days = 0
	for _, sp := range spans {
		from, to := sp.last, sp.first
		if sp.open {
			from, to = sp.first, 1
		}
		for n := from; n >= to; n -= sp.step {
			s.lastDays |= 1 << n
		}
	}
	return nil
}

// parseTime parses "hour:minute" and "hour:minute:second".
func (s *Schedule) parseTime(word string) (err *SyntaxError) {
	parts := strings.Split(word, ":")
	if len(parts) > 3 {
		return &SyntaxError{Field: "time", Reason: fmt.Sprintf(`%q is not a time; "hour:minute" and "hour:minute:second" are allowed`, word)}
	}
	if s.hours, err = hourField.onCalendarSet(parts[0], 1<<24-1); err != nil {
		return err
	}
	if s.minutes, err = minuteField.onCalendarSet(parts[1], 1<<60-1); err != nil {
		return err
	}
	if len(parts) == 3 {
		s.seconds, err = secondField.onCalendarSet(parts[2], 1<<60-1)
	}
	return err
}

func (f *field) onCalendarSet(text string, every set) (values set, err *SyntaxError) {
	if text == "*" {
		return every, nil
	}
	spans, err := f.list(text, "..")
	for _, sp := range spans {
		values |= sp.set()
	}
	return values, err
}

// parseInstant parses "@1700000000", a second of Unix time. It becomes a date and
// time in UTC.
func (s *Schedule) parseInstant(words []string) *SyntaxError {
	seconds, notNumber := strconv.ParseUint(words[0][1:], 10, 40) // 40 bits reach far beyond maxYear and convert safely
	at := time.Unix(int64(seconds), 0).UTC()
	if notNumber != nil || at.Year() > maxYear {
		return &SyntaxError{Reason: fmt.Sprintf("%q is not a Unix time; whole seconds from 0 up to the year %d are allowed", words[0], maxYear)}
	}
	if len(words) > 1 || s.zone != "" && s.zone != "UTC" {
		return &SyntaxError{Reason: fmt.Sprintf("%s is an instant that does not depend on a zone; it must stand alone", words[0])}
	}
	s.zone = "UTC"
	s.years.add(at.Year())
	s.months, s.days, s.weekdays = 1<<at.Month(), 1<<at.Day(), everyWeekday
	s.hours, s.minutes, s.seconds = 1<<at.Hour(), 1<<at.Minute(), 1<<at.Second()
	return nil
}
