package calendar

import (
	"errors"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones, independent of the machine
)

const layout = "2006-01-02 15:04:05"

func mustParse(t testing.TB, expr string) *Schedule {
	t.Helper()
	s, err := Parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func mustTime(t testing.TB, text string, zone *time.Location) time.Time {
	t.Helper()
	at, err := time.ParseInLocation(layout, text, zone)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// upcoming returns up to n next times.
func upcoming(s *Schedule, after time.Time, zone *time.Location, n int) (times []time.Time) {
	for range n {
		next, ok := s.Next(after, zone)
		if !ok {
			break
		}
		times = append(times, next)
		after = next
	}
	return times
}

func format(times []time.Time, layout string) string {
	var texts []string
	for _, at := range times {
		texts = append(texts, at.Format(layout))
	}
	return strings.Join(texts, ", ")
}

func TestNext(t *testing.T) {
	tests := []struct{ expr, after, want string }{
		// crontab(5)
		{"5 0 * * *", "2024-01-01 00:05:00", "2024-01-02 00:05:00, 2024-01-03 00:05:00"},
		{"15 14 1 * *", "2024-01-01 14:14:59", "2024-01-01 14:15:00, 2024-02-01 14:15:00"},
		{"0 22 * * 1-5", "2024-01-05 22:00:00", "2024-01-08 22:00:00, 2024-01-09 22:00:00"},
		{"23 0-23/2 * * *", "2024-01-01 00:23:00", "2024-01-01 02:23:00, 2024-01-01 04:23:00"},
		{"5 4 * * sun", "2024-01-01 00:00:00", "2024-01-07 04:05:00, 2024-01-14 04:05:00"},
		{"0 4 8-14 * *", "2024-01-14 04:00:00", "2024-02-08 04:00:00, 2024-02-09 04:00:00"},
		{"30 4 1,15 * 5", "2024-01-01 04:30:00", "2024-01-05 04:30:00, 2024-01-12 04:30:00, 2024-01-15 04:30:00"},
		// a day field that begins with a star does not restrict, so both must match
		{"0 0 */2 * Mon", "2024-01-01 00:00:00", "2024-01-15 00:00:00, 2024-01-29 00:00:00"},
		{"0 0 13 * */5", "2024-01-01 00:00:00", "2024-09-13 00:00:00, 2024-10-13 00:00:00, 2024-12-13 00:00:00"},
		{"0 0 1-31 * Mon", "2024-01-01 00:00:00", "2024-01-02 00:00:00, 2024-01-03 00:00:00"},
		// Sunday is 0, 7 and the end of a range
		{"0 0 * * 7", "2024-01-01 00:00:00", "2024-01-07 00:00:00"},
		{"0 0 * * 0", "2024-01-01 00:00:00", "2024-01-07 00:00:00"},
		{"0 0 * * Sat-Sun", "2024-01-01 00:00:00", "2024-01-06 00:00:00, 2024-01-07 00:00:00, 2024-01-13 00:00:00"},
		{"0 0 * * sunday", "2024-01-01 00:00:00", "2024-01-07 00:00:00"},
		{"0 0 1 JAN,jul-sep *", "2024-01-01 00:00:00", "2024-07-01 00:00:00, 2024-08-01 00:00:00, 2024-09-01 00:00:00, 2025-01-01 00:00:00"},
		{"7/20 * * * *", "2024-01-01 00:00:00", "2024-01-01 00:07:00, 2024-01-01 00:27:00, 2024-01-01 00:47:00, 2024-01-01 01:07:00"},
		{"*/60 */24 * * *", "2024-01-01 00:00:00", "2024-01-02 00:00:00"},
		{"@hourly", "2024-01-01 00:00:00", "2024-01-01 01:00:00"},
		{"@Daily", "2024-01-01 00:00:00", "2024-01-02 00:00:00"},
		{"@midnight", "2024-01-01 00:00:00", "2024-01-02 00:00:00"},
		{"@weekly", "2024-01-01 00:00:00", "2024-01-07 00:00:00"},
		{"@monthly", "2024-01-01 00:00:00", "2024-02-01 00:00:00"},
		{"@yearly", "2024-01-01 00:00:00", "2025-01-01 00:00:00"},
		{"@annually", "2024-01-01 00:00:00", "2025-01-01 00:00:00"},

		// systemd.time(7)
		{"Sat,Thu,Mon..Wed,Sat..Sun", "2024-01-03 00:00:00", "2024-01-04 00:00:00, 2024-01-06 00:00:00, 2024-01-07 00:00:00"},
		{"Mon,Sun 12-*-* 2,1:23", "2012-01-01 01:23:00", "2012-01-01 02:23:00, 2012-01-02 01:23:00"},
		{"Wed *-1", "2024-01-01 00:00:00", "2024-05-01 00:00:00"},
		{"Wed..Wed,Wed *-1", "2024-01-01 00:00:00", "2024-05-01 00:00:00"},
		{"Wed-Wed,Wed *-1", "2024-01-01 00:00:00", "2024-05-01 00:00:00"},
		{"Wed, 17:48", "2024-01-01 00:00:00", "2024-01-03 17:48:00"},
		{"Wed..Sat,Tue 12-10-15 1:2:3", "2010-01-01 00:00:00", ""},
		{"Mon,Tue 12-10-15 1:2:3", "2010-01-01 00:00:00", "2012-10-15 01:02:03"},
		{"*-*-7 0:0:0", "2024-01-01 00:00:00", "2024-01-07 00:00:00"},
		{"10-15", "2024-01-01 00:00:00", "2024-10-15 00:00:00"},
		{"monday *-12-* 17:00", "2024-01-01 00:00:00", "2024-12-02 17:00:00"},
		{"Mon,Fri *-*-3,1,2 *:30:45", "2024-01-01 22:30:45", "2024-01-01 23:30:45, 2024-02-02 00:30:45"},
		{"12,14,13,12:20,10,30", "2024-01-01 12:20:00", "2024-01-01 12:30:00, 2024-01-01 13:10:00"},
		{"12..14:10,20,30", "2024-01-01 14:30:00", "2024-01-02 12:10:00"},
		{"mon,fri *-1/2-1,3 *:30:45", "2024-01-01 23:30:45", "2024-03-01 00:30:45"},
		{"03-05 08:05:40", "2024-01-01 00:00:00", "2024-03-05 08:05:40"},
		{"05:40", "2024-01-01 00:00:00", "2024-01-01 05:40:00"},
		{"Sat,Sun 12-05 08:05:40", "2024-01-01 00:00:00", "2026-12-05 08:05:40"},
		{"2003-03-05 05:40", "2003-03-05 05:39:59", "2003-03-05 05:40:00"},
		{"2003-02..04-05", "2000-01-01 00:00:00", "2003-02-05 00:00:00, 2003-03-05 00:00:00, 2003-04-05 00:00:00"},
		{"70-1-1", "1969-01-01 00:00:00", "1970-01-01 00:00:00"},
		{"*-02~03", "2023-01-01 00:00:00", "2023-02-26 00:00:00, 2024-02-27 00:00:00"},
		{"Mon *-05~07/1", "2024-01-01 00:00:00", "2024-05-27 00:00:00, 2025-05-26 00:00:00"},
		{"*-*~1", "2024-01-31 00:00:00", "2024-02-29 00:00:00, 2024-03-31 00:00:00, 2024-04-30 00:00:00"},
		{"*-2~3..1", "2024-01-01 00:00:00", "refused"},
		{"*-2~1..7/3", "2024-01-01 00:00:00", "2024-02-23 00:00:00, 2024-02-26 00:00:00, 2024-02-29 00:00:00, 2025-02-22 00:00:00"},
		{"*-2~28", "2023-01-01 00:00:00", "2023-02-01 00:00:00, 2024-02-02 00:00:00"},
		{"*:2/3", "2024-01-01 00:56:00", "2024-01-01 00:59:00, 2024-01-01 01:02:00"},
		{"*:*:*", "2024-01-01 23:59:58", "2024-01-01 23:59:59, 2024-01-02 00:00:00"},
		{"minutely", "2024-01-01 00:00:00", "2024-01-01 00:01:00"},
		{"hourly", "2024-01-01 00:00:00", "2024-01-01 01:00:00"},
		{"DAILY", "2024-01-01 00:00:00", "2024-01-02 00:00:00"},
		{"weekly", "2024-01-01 00:00:00", "2024-01-08 00:00:00"},
		{"monthly", "2024-01-01 00:00:00", "2024-02-01 00:00:00"},
		{"quarterly", "2024-01-01 00:00:00", "2024-04-01 00:00:00, 2024-07-01 00:00:00, 2024-10-01 00:00:00, 2025-01-01 00:00:00"},
		{"semiannually", "2024-01-01 00:00:00", "2024-07-01 00:00:00, 2025-01-01 00:00:00"},
		{"biannually", "2024-01-01 00:00:00", "2024-07-01 00:00:00, 2025-01-01 00:00:00"},
		{"yearly", "2024-01-01 00:00:00", "2025-01-01 00:00:00"},
		{"annually", "2024-01-01 00:00:00", "2025-01-01 00:00:00"},
		{"@1700000000", "2023-11-14 22:13:19", "2023-11-14 22:13:20"},

		// rare and never
		{"0 0 29 2 *", "2024-02-29 00:00:00", "2028-02-29 00:00:00, 2032-02-29 00:00:00"},
		{"0 0 29 2 *", "2096-02-29 00:00:00", "2104-02-29 00:00:00"},
		{"Mon *-02-29", "2072-02-29 00:00:00", "2112-02-29 00:00:00"}, // 12 years longer because 2100 is not a leap year
		{"*-02-30", "2024-01-01 00:00:00", ""},
		{"0 0 31 4,6,9,11 *", "2024-01-01 00:00:00", ""},
		{"2024-01-01", "2024-01-01 00:00:00", ""},
		{"2074-01-01", "2024-01-01 00:00:00", "2074-01-01 00:00:00"},
		{"2074-01-02", "2024-01-01 00:00:00", ""},
	}
	for _, test := range tests {
		s, err := Parse(test.expr)
		if err != nil {
			if test.want != "refused" {
				t.Error(err)
			}
			continue
		}
		n := max(1, strings.Count(test.want, ",")+1)
		got := format(upcoming(s, mustTime(t, test.after, time.UTC), time.UTC, n), layout)
		if test.want == "" && got != "" || !strings.HasPrefix(got, test.want) {
			t.Errorf("%q after %s:\n got %q\nwant %q", test.expr, test.after, got, test.want)
		}
	}
}

func TestClockChanges(t *testing.T) {
	tests := []struct{ zone, expr, after, want string }{
		{"Europe/Berlin", "30 2 * * *", "2024-03-30 02:30:00", "03-31T03:00+02, 04-01T02:30+02"},
		{"Europe/Berlin", "30 2 * * *", "2024-10-26 02:30:00", "10-27T02:30+02, 10-28T02:30+01"},
		{"Europe/Berlin", "*:0/30", "2024-03-31 01:00:00", "03-31T01:30+01, 03-31T03:00+02, 03-31T03:30+02"},
		{"Europe/Berlin", "*:0/30", "2024-10-27 01:30:00", "10-27T02:00+02, 10-27T02:30+02, 10-27T03:00+01, 10-27T03:30+01"},
		{"Europe/Berlin", "2,3:00", "2024-03-30 03:00:00", "03-31T03:00+02, 04-01T02:00+02"}, // two matches at the same instant are one firing
		{"Australia/Lord_Howe", "15 2 * * *", "2024-10-05 02:15:00", "10-06T02:30+11, 10-07T02:15+11"},
		{"Australia/Lord_Howe", "45 1 * * *", "2024-04-06 01:45:00", "04-07T01:45+11, 04-08T01:45+1030"},
		{"America/Sao_Paulo", "daily", "2017-10-14 00:00:00", "10-15T01:00-02, 10-16T00:00-02"},
		{"Pacific/Apia", "9,10:00", "2011-12-29 10:00:00", "12-31T00:00+14, 12-31T09:00+14, 12-31T10:00+14"}, // without December 30
		{"Pacific/Apia", "2011-12-30 09:00", "2011-12-29 10:00:00", "12-31T00:00+14"},
		{"Asia/Kathmandu", "hourly", "2024-01-01 00:30:00", "01-01T01:00+0545, 01-01T02:00+0545"},
	}
	for _, test := range tests {
		zone := mustZone(t, test.zone)
		n := strings.Count(test.want, ",") + 1
		got := format(upcoming(mustParse(t, test.expr), mustTime(t, test.after, zone), zone, n), "01-02T15:04Z07")
		got = strings.NewReplacer("+10,", "+1030,", "+05,", "+0545,").Replace(got + ",")
		if got != test.want+"," {
			t.Errorf("%s %q after %s:\n got %s\nwant %s", test.zone, test.expr, test.after, got, test.want)
		}
	}
}

// During the second pass of a repeated hour, the next time is after that hour.
func TestNextInsideOverlap(t *testing.T) {
	zone := mustZone(t, "Europe/Berlin")
	secondPass := time.Date(2024, 10, 27, 1, 15, 0, 0, time.UTC) // 02:15 CET
	next, ok := mustParse(t, "*:0/10").Next(secondPass, zone)
	if want := time.Date(2024, 10, 27, 2, 0, 0, 0, time.UTC); !ok || !next.Equal(want) {
		t.Errorf("got %v %v, want %v", next, ok, want)
	}
}

// On such a day the time package returns a period that has already ended:
// golang/go#81583.
func TestNextOnLastDayOfLeapYear(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Sydney"} {
		zone := mustZone(t, name)
		for year := 2036; year <= 2060; year += 4 {
			after := time.Date(year, 12, 31, 6, 0, 0, 0, zone)
			want := time.Date(year, 12, 31, 7, 0, 0, 0, zone)
			if got, ok := mustParse(t, "hourly").Next(after, zone); !ok || !got.Equal(want) {
				t.Errorf("after %v: got %v %v", after, got, ok)
			}
			want = time.Date(year+1, 7, 1, 7, 0, 0, 0, zone)
			if got, ok := mustParse(t, "7-1 7:00").Next(after, zone); !ok || !got.Equal(want) {
				t.Errorf("after %v: got %v %v", after, got, ok)
			}
		}
	}
}

func TestNextIsStrictlyLater(t *testing.T) {
	s := mustParse(t, "*:*:*")
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, after := range []time.Time{at, at.Add(1), at.Add(time.Second - 1)} {
		next, ok := s.Next(after, nil)
		if want := at.Add(time.Second); !ok || !next.Equal(want) {
			t.Errorf("after %v: got %v %v, want %v", after, next, ok, want)
		}
	}
}

func TestNextAtTheEndsOfTime(t *testing.T) {
	for _, s := range []*Schedule{{}, mustParse(t, "*:*:*"), mustParse(t, "0 0 29 2 *")} {
		for _, after := range []time.Time{{}, time.Unix(1<<62, 0), time.Unix(-1<<62, 0), time.Unix(-1<<63, 0), time.Unix(1<<63-1, 999999999)} {
			if next, ok := s.Next(after, nil); ok && !next.After(after) {
				t.Errorf("%q after %v: %v", s, after, next)
			}
		}
	}
	if next, ok := new(Schedule).Next(time.Unix(0, 0), nil); ok {
		t.Errorf("the zero schedule fires at %v", next)
	}
}

func TestNextAllocatesNothing(t *testing.T) {
	zone := mustZone(t, "Europe/Berlin")
	after := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, expr := range []string{"*/5 * * * *", "Mon *-02-29", "*-02-30"} {
		s := mustParse(t, expr)
		if n := testing.AllocsPerRun(100, func() { s.Next(after, zone) }); n != 0 {
			t.Errorf("%q: %v allocations", expr, n)
		}
	}
}

func TestZone(t *testing.T) {
	tests := []struct{ expr, text, zone string }{
		{"Mon 09:00 Europe/Berlin", "Mon 09:00 Europe/Berlin", "Europe/Berlin"},
		{" daily   utc ", "daily utc", "UTC"},
		{"Mon UTC", "Mon UTC", "UTC"},
		{"*-*-1 America/Port-au-Prince", "*-*-1 America/Port-au-Prince", "America/Port-au-Prince"},
		{"09:00 Etc/GMT+5", "09:00 Etc/GMT+5", "Etc/GMT+5"},
		{"@1700000000", "@1700000000", "UTC"},
		{"@1700000000 UTC", "@1700000000 UTC", "UTC"},
		{"Mon..Fri 09:00", "Mon..Fri 09:00", ""},
		{"0  9\t* * Mon-Fri", "0 9 * * Mon-Fri", ""},
		{"@daily", "@daily", ""},
	}
	for _, test := range tests {
		s := mustParse(t, test.expr)
		if s.String() != test.text || s.Zone() != test.zone {
			t.Errorf("%q: got %q in zone %q, want %q in %q", test.expr, s, s.Zone(), test.text, test.zone)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ expr, field, reason string }{
		{"", "", "empty"},
		{" \t", "", "empty"},
		{strings.Repeat("1,", MaxLen), "", "at most 1024"},
		{"9", "", "neither a date"},
		{"0 9 * *", "", "4 fields, but cron has 5"},
		{"0 0 9 * * Mon-Fri", "", "6 fields, but cron has 5"},
		{"60 9 * * *", "minute", "0 to 59"},
		{"0 24 * * *", "hour", "0 to 23"},
		{"0 9 0 * *", "day of month", "1 to 31"},
		{"0 9 * 13 *", "month", "1 to 12"},
		{"0 9 * Foo *", "month", "1 to 12 and Jan to Dec"},
		{"0 9 * * 8", "day of week", "0 to 7"},
		{"0 9 * * Foo", "day of week", "0 to 7 and Sun to Sat"},
		{"0 9 * * -1", "day of week", "missing"},
		{"0 9 * * 5-1", "day of week", "backwards"},
		{"*/90 * * * *", "minute", "1 to 60"},
		{"*/0 * * * *", "minute", "1 to 60"},
		{"*/ * * * *", "minute", "not a number"},
		{"0 1- * * *", "hour", "missing"},
		{"0 /2 * * *", "hour", "missing"},
		{"0 1,,2 * * *", "hour", "missing"},
		{"0 1-*/2 * * *", "hour", "star must stand alone"},
		{"99999999999999999999 * * * *", "minute", "out of range"},
		{"0 9 ? * *", "day of month", `write "*"`},
		{"0 9 L * *", "day of month", "*-*~1"},
		{"0 9 * * 1#2", "day of week", "not supported"},
		{"@reboot", "", "not a time"},
		{"@every 5m", "", "time trigger"},
		{"@dayly", "", "@daily"},
		{"@", "", "@daily"},
		{"@daily UTC", "", "must stand alone"},
		{"@-5", "", "Unix time"},
		{"@99999999999", "", "2199"},
		{"@1099511627776", "", "2199"},
		{"@1700000000 09:00", "", "must stand alone"},
		{"@1700000000 Europe/Berlin", "", "must stand alone"},
		{"daly", "weekday", "daily"},
		{"Fri..Mon", "weekday", "backwards"},
		{"Mon..", "weekday", "missing"},
		{"Mon,,Tue", "weekday", "missing"},
		{"Mon..Fri/2", "weekday", "no steps"},
		{"1..5 09:00", "", "neither a date"},
		{"Mon Tue 10:00", "", "out of place"},
		{"09:00 *-*-1", "", "out of place"},
		{"Mon 10:00 Tue", "weekday", "weekdays come first"},
		{"Mon daily", "", "must stand alone"},
		{"CRON_TZ=UTC 0 9 * * *", "", "separately from"},
		{"09:00 Local", "zone", "Europe/Berlin"},
		{"09:00 Europe/../x", "zone", "Europe/Berlin"},
		{"09:00 Europe//x", "zone", "Europe/Berlin"},
		{"24:00", "hour", "0 to 23"},
		{"12:60", "minute", "0 to 59"},
		{"12:00:60", "second", "0 to 59"},
		{"12:00:01.5", "second", "whole seconds"},
		{"12:00:0/1.5", "second", "not a number"},
		{"1:2:3:4", "time", "hour:minute:second"},
		{"*:*/5", "minute", `write "0/2"`},
		{"1,*:00", "hour", "star must stand alone"},
		{"5..3:00", "hour", "backwards"},
		{"1969-1-1", "year", "1970 to 2199"},
		{"2200-1-1", "year", "1970 to 2199"},
		{"*-13-1", "month", "1 to 12"},
		{"*-Jan-1", "month", "1 to 12"},
		{"*-*-32", "day of month", "1 to 31"},
		{"*-*~29", "day before the end of the month", "1 to 28"},
		{"1-2-3-4", "date", "year-month-day"},
		{"*~*-1", "date", "year-month-day"},
		{"~1", "month", "missing"},
	}
	for _, test := range tests {
		_, err := Parse(test.expr)
		var syntax *SyntaxError
		switch {
		case !errors.As(err, &syntax):
			t.Errorf("%q: got %v, want a SyntaxError", test.expr, err)
		case syntax.Field != test.field || !strings.Contains(syntax.Reason, test.reason):
			t.Errorf("%q: got %q: %q, want %q: ...%s...", test.expr, syntax.Field, syntax.Reason, test.field, test.reason)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		mustParse(b, "Mon..Fri *-*-1..7,15 09:00/10:00 Europe/Berlin")
	}
}

func BenchmarkNext(b *testing.B) {
	zone := mustZone(b, "Europe/Berlin")
	for _, expr := range []string{"*/5 * * * *", "30 2 * * *", "Mon *-02-29", "*-02-30"} {
		b.Run(expr, func(b *testing.B) {
			s := mustParse(b, expr)
			after := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			for b.Loop() {
				s.Next(after, zone)
			}
		})
	}
}
