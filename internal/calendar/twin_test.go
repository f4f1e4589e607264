package calendar

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A sample is a random expression with its meaning, determined without the
// parser.
type sample struct {
	text    string
	matches func(wall time.Time) bool
}

// values is a random field: its text, and the numbers it contains.
type values struct {
	text string
	in   map[int]bool
	star bool
}

func single(text string, n int) values { return values{text: text, in: map[int]bool{n: true}} }

func anyValue(min, max int) values {
	v := values{text: "*", in: map[int]bool{}, star: true}
	for n := min; n <= max; n++ {
		v.in[n] = true
	}
	return v
}

// randomList returns one to three items with numbers from min to max.
func randomList(r *rand.Rand, min, max int, separator string) values {
	v := values{in: map[int]bool{}}
	var items []string
	for range 1 + r.IntN(3) {
		first := min + r.IntN(max-min+1)
		last, step, text := first, 1, fmt.Sprint(first)
		end := max
		if first < max && r.IntN(2) == 0 {
			last = first + 1 + r.IntN(max-first)
			end = last
			text += separator + fmt.Sprint(last)
		}
		if first < end && r.IntN(3) == 0 {
			last, step = end, 1+r.IntN(end-first)
			text += fmt.Sprint("/", step)
		}
		for n := first; n <= last; n += step {
			v.in[n] = true
		}
		items = append(items, text)
	}
	v.text = strings.Join(items, ",")
	return v
}

func randomCronField(r *rand.Rand, min, max int) values {
	switch r.IntN(4) {
	case 0:
		return anyValue(min, max)
	case 1:
		v := values{in: map[int]bool{}, star: true}
		step := 1 + r.IntN(max-min+1)
		v.text = fmt.Sprint("*/", step)
		for n := min; n <= max; n += step {
			v.in[n] = true
		}
		return v
	}
	return randomList(r, min, max, "-")
}

func randomCron(r *rand.Rand) sample {
	minute, hour := randomCronField(r, 0, 59), randomCronField(r, 0, 23)
	day, month, weekday := randomCronField(r, 1, 31), randomCronField(r, 1, 12), randomCronField(r, 0, 6)
	return sample{
		text: strings.Join([]string{minute.text, hour.text, day.text, month.text, weekday.text}, " "),
		matches: func(w time.Time) bool {
			byDay, byWeekday := day.in[w.Day()], weekday.in[int(w.Weekday())]
			dayMatches := byDay && byWeekday
			if !day.star && !weekday.star {
				dayMatches = byDay || byWeekday
			}
			return w.Second() == 0 && minute.in[w.Minute()] && hour.in[w.Hour()] && month.in[int(w.Month())] && dayMatches
		},
	}
}

func randomOnCalendarField(r *rand.Rand, min, max int) values {
	if r.IntN(3) == 0 {
		return anyValue(min, max)
	}
	return randomList(r, min, max, "..")
}

var weekdayShort = []string{"", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}

func randomWeekdays(r *rand.Rand) values {
	v := values{in: map[int]bool{}}
	var items []string
	for range 1 + r.IntN(2) {
		first := 1 + r.IntN(7)
		last := first + r.IntN(8-first)
		for n := first; n <= last; n++ {
			v.in[n%7] = true
		}
		if text := weekdayShort[first]; first == last {
			items = append(items, text)
		} else {
			items = append(items, text+".."+weekdayShort[last])
		}
	}
	v.text = strings.Join(items, ",") + " "
	return v
}

// randomLastDays counts from the end of the month; a repetition advances toward
// the end.
func randomLastDays(r *rand.Rand) values {
	first := 1 + r.IntN(28)
	v := single(fmt.Sprint(first), first)
	if first > 1 && r.IntN(2) == 0 {
		step := 1 + r.IntN(first-1)
		v.text += fmt.Sprint("/", step)
		for n := first; n >= 1; n -= step {
			v.in[n] = true
		}
	}
	return v
}

func randomOnCalendar(r *rand.Rand, seconds values) sample {
	weekday, day, month, year := anyValue(0, 6), anyValue(1, 31), anyValue(1, 12), anyValue(1970, 2199)
	fromEnd := false
	text := ""
	if r.IntN(2) == 0 {
		weekday = randomWeekdays(r)
		text = weekday.text
	}
	if r.IntN(2) == 0 {
		month, day = randomOnCalendarField(r, 1, 12), randomOnCalendarField(r, 1, 31)
		dash := "-"
		if r.IntN(3) == 0 {
			day, fromEnd, dash = randomLastDays(r), true, "~"
		}
		if r.IntN(4) == 0 {
			year = randomList(r, 2020, 2199, "..")
		}
		text += year.text + "-" + month.text + dash + day.text + " "
	}
	hour, minute := randomOnCalendarField(r, 0, 23), randomOnCalendarField(r, 0, 59)
	return sample{
		text: text + hour.text + ":" + minute.text + ":" + seconds.text,
		matches: func(w time.Time) bool {
			number := w.Day()
			if fromEnd {
				number = time.Date(w.Year(), w.Month()+1, 1, 0, 0, 0, 0, time.UTC).Day() +
					time.Date(w.Year(), w.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day() - w.Day()
			}
			return seconds.in[w.Second()] && minute.in[w.Minute()] && hour.in[w.Hour()] && day.in[number] &&
				month.in[int(w.Month())] && year.in[w.Year()] && weekday.in[int(w.Weekday())]
		},
	}
}

// wallClock returns the time on the zone's wall clock, as if it were UTC.
func wallClock(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.In(zone).Date()
	hour, minute, second := t.In(zone).Clock()
	return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
}

// twin is a reference implementation that follows the definition literally. It
// moves a clock from tick to tick, and fires when the furthest wall time shown so
// far reaches or passes a match.
func twin(matches func(time.Time) bool, zone *time.Location, after, until time.Time, tick time.Duration) (fired []time.Time) {
	const longestOverlap = 3 * time.Hour
	from := after.Add(-longestOverlap)
	mark := wallClock(from, zone)
	for at := from.Add(tick); !at.After(until); at = at.Add(tick) {
		hit := false
		for wall := wallClock(at, zone); mark.Before(wall); {
			mark = mark.Add(tick)
			hit = hit || matches(mark)
		}
		if hit && at.After(after) {
			fired = append(fired, at.In(zone))
		}
	}
	return fired
}

func compareWithTwin(t *testing.T, s sample, zone *time.Location, after, until time.Time, tick time.Duration) (fired int) {
	t.Helper()
	want := twin(s.matches, zone, after, until, tick)
	got := upcoming(mustParse(t, s.text), after, zone, len(want)+1)
	got = slices.DeleteFunc(got, func(at time.Time) bool { return at.After(until) })
	if !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Errorf("%q in %v after %v:\n got %s\nwant %s", s.text, zone, after, format(got, time.RFC3339), format(want, time.RFC3339))
	}
	return len(want)
}

// clockChanges lists zones and times at which mistakes are likely.
var clockChanges = []struct{ zone, at string }{
	{"Europe/Berlin", "2024-03-31 02:00:00"},
	{"Europe/Berlin", "2024-10-27 03:00:00"},
	{"America/New_York", "2024-03-10 02:00:00"},
	{"America/New_York", "2024-11-03 02:00:00"},
	{"Australia/Lord_Howe", "2024-04-07 02:00:00"},
	{"Australia/Lord_Howe", "2024-10-06 02:00:00"},
	{"America/Sao_Paulo", "2017-10-15 00:00:00"},
	{"America/Sao_Paulo", "2018-02-17 23:59:00"},
	{"Antarctica/Troll", "2024-03-31 01:00:00"}, // two hours
	{"Antarctica/Troll", "2024-10-27 03:00:00"},
	{"Pacific/Apia", "2011-12-30 00:00:00"}, // a day
	{"Asia/Pyongyang", "2018-05-04 23:30:00"},
	{"UTC", "2024-02-29 00:00:00"},
}

func TestTwinCron(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	fired := 0
	for range 40 {
		for _, change := range clockChanges {
			zone := mustZone(t, change.zone)
			s := randomCron(r)
			after := mustTime(t, change.at, zone).Add(time.Duration(r.IntN(48*60)-40*60) * time.Minute)
			fired += compareWithTwin(t, s, zone, after, after.Add(72*time.Hour), time.Minute)
		}
	}
	if fired < 1000 {
		t.Errorf("only %d firings were compared", fired)
	}
}

func TestTwinOnCalendar(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	fired := 0
	for range 15 {
		for _, change := range clockChanges {
			zone := mustZone(t, change.zone)
			s := randomOnCalendar(r, randomOnCalendarField(r, 0, 59))
			after := mustTime(t, change.at, zone).Add(time.Duration(r.IntN(4*3600)-3*3600) * time.Second)
			fired += compareWithTwin(t, s, zone, after, after.Add(4*time.Hour), time.Second)
		}
	}
	if fired < 1000 {
		t.Errorf("only %d firings were compared", fired)
	}
}

// Sparse expressions over two years in UTC, checked minute by minute.
func TestTwinOverYears(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	fired := 0
	for range 6 {
		s := randomOnCalendar(r, single("00", 0))
		after := time.Date(2023+r.IntN(3), 1+time.Month(r.IntN(12)), 1, 0, 0, 0, 0, time.UTC)
		fired += compareWithTwin(t, s, time.UTC, after, after.AddDate(2, 0, 0), time.Minute)
	}
	if fired == 0 {
		t.Error("nothing was compared")
	}
}
