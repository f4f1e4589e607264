package simulating

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

func zoneOf(t *testing.T, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestWithSpans checks which time spans a --with means, also over clock changes.
func TestWithSpans(t *testing.T) {
	zone := zoneOf(t, "Europe/Berlin")
	for _, test := range []struct {
		with, begin, end string
		want             []string
	}{
		{"on-ac=no 09:00-11:00", "2026-11-20T08:00", "2026-11-22T08:00", []string{"20 09:00 CET-20 11:00 CET", "21 09:00 CET-21 11:00 CET"}},
		{"on-ac=no 09:00-11:00", "2026-11-20T10:00", "2026-11-20T12:00", []string{"20 09:00 CET-20 11:00 CET"}},
		{"on-ac=no 22:00-06:00", "2026-11-20T05:00", "2026-11-20T23:00", []string{"19 22:00 CET-20 06:00 CET", "20 22:00 CET-21 06:00 CET"}},
		{"on-ac=no Fri..Mon 22:00-06:00", "2026-11-19T12:00", "2026-11-26T12:00", // from Thursday to Thursday
			[]string{"20 22:00 CET-21 06:00 CET", "21 22:00 CET-22 06:00 CET", "22 22:00 CET-23 06:00 CET", "23 22:00 CET-24 06:00 CET"}},
		{"on-ac=no sat,WED 12:00-13:00", "2026-11-19T12:00", "2026-11-26T12:00", []string{"21 12:00 CET-21 13:00 CET", "25 12:00 CET-25 13:00 CET"}},
		{"on-ac=no Sat,Sun", "2026-11-19T12:00", "2026-11-26T12:00", []string{"21 00:00 CET-22 00:00 CET", "22 00:00 CET-23 00:00 CET"}},
		{"on-ac=no 01:00-04:00", "2026-10-25T00:00", "2026-10-25T12:00", []string{"25 01:00 CEST-25 04:00 CET"}},  // four hours
		{"on-ac=no 02:30-02:45", "2026-10-25T00:00", "2026-10-25T12:00", []string{"25 02:30 CEST-25 02:45 CEST"}}, // once
		{"on-ac=no 02:30-04:00", "2027-03-28T00:00", "2027-03-28T12:00", []string{"28 03:00 CEST-28 04:00 CEST"}}, // clocks leave 02:30 out
		{"on-ac=no 02:15-02:45", "2027-03-28T00:00", "2027-03-29T12:00", []string{"29 02:15 CEST-29 02:45 CEST"}}, // and all of this
		{"on-ac=no 00:00-24:00", "2027-03-28T00:00", "2027-03-29T00:00", []string{"28 00:00 CET-29 00:00 CEST"}},
		{"on-ac=no 2026-11-20T10:00..2026-11-20T12:00", "2026-11-20T00:00", "2026-11-21T00:00", []string{"20 10:00 CET-20 12:00 CET"}},
		{"on-ac=no 2026-11-20 10:00:30 .. 2026-11-21", "2026-11-20T00:00", "2026-11-21T00:00", []string{"20 10:00 CET-21 00:00 CET"}},
		{"on-ac=no 2026-11-20T10:00:00Z..", "2026-11-20T00:00", "2026-11-21T00:00", []string{"20 11:00 CET-"}},
		{"on-ac=no ..2026-11-20", "2026-11-20T00:00", "2026-11-21T00:00", []string{"-20 00:00 CET"}},
		{"on-ac=no", "2026-11-20T00:00", "2026-11-21T00:00", []string{"-"}},
	} {
		w, err := parseWith(test.with, zone)
		if err != nil {
			t.Errorf("%s: %v", test.with, err)
			continue
		}
		at := func(s string) time.Time {
			t, _ := time.ParseInLocation("2006-01-02T15:04", s, zone)
			return t
		}
		show := func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.In(zone).Format("02 15:04 MST")
		}
		var got []string
		for _, s := range w.suppositions(at(test.begin), at(test.end), zone) {
			got = append(got, show(s.From)+"-"+show(s.Until))
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s from %s to %s (-want +got):\n%s", test.with, test.begin, test.end, d)
		}
	}
}

// TestOnDayIsWhatClocksShow asks for every quarter of an hour of the days on which
// clocks change, minute by minute: the first at which they show that time or a later
// one of the day.
func TestOnDayIsWhatClocksShow(t *testing.T) {
	for _, at := range []string{"Europe/Berlin 2026-10-25", "Europe/Berlin 2027-03-28", "Australia/Lord_Howe 2026-10-04", "Australia/Lord_Howe 2027-04-04", "America/Sao_Paulo 2018-11-04",
		"Africa/Cairo 2023-10-27", "America/St_Johns 2026-11-01", "Asia/Kathmandu 2026-01-01"} {
		name, date, _ := strings.Cut(at, " ")
		zone := zoneOf(t, name)
		day, err := time.ParseInLocation("2006-01-02 15:04", date+" 12:00", zone)
		if err != nil {
			t.Fatal(err)
		}
		for c := clockTime(0); c < dayEnds; c += 15 * 60 {
			wanted := fmt.Sprintf("%s %02d:%02d", date, c/3600, c/60%60)
			want := day.Add(-16 * time.Hour)
			for want.In(zone).Format("2006-01-02 15:04") < wanted {
				want = want.Add(time.Minute)
			}
			if got := onDay(day, c); !got.Equal(want) {
				t.Errorf("%s %s: %v, want %v", name, wanted, got, want)
			}
		}
	}
}

func FuzzParseWith(f *testing.F) {
	for _, s := range []string{"internet=no", "on-ac=no 09:00-11:00", "user=away Mon..Fri,Sun 22:00-06:00", "internet=no 2026-12-01T10:00..2026-12-01T12:00", "battery=5% ..2026-12-01",
		"battery=none 00:00-24:00", "time-zone=+01:00 02:30:01-02:30:02", "network=a..b 2026-11-20 10:00..", "=", "on-ac= ", "on-ac=no \x00", "on-ac=no Sun..Sat,"} {
		f.Add(s)
	}
	zone, err := time.LoadLocation("Australia/Lord_Howe")
	if err != nil {
		f.Skip(err)
	}
	begin := time.Date(2026, 9, 30, 13, 0, 0, 0, zone)
	end := begin.AddDate(0, 0, 20)
	f.Fuzz(func(t *testing.T, s string) {
		w, err := parseWith(s, zone)
		if err != nil {
			var e *task.Error
			if !errors.As(err, &e) || e.Hint == "" && !errors.Is(err, task.ErrLimit) {
				t.Errorf("%q is refused without a remedy: %v", s, err)
			}
			return
		}
		all := w.suppositions(begin, end, zone)
		if len(all) > 22 {
			t.Errorf("%q: %d spans in 20 days", s, len(all))
		}
		for _, x := range all {
			if task.CheckFact(x.Fact, x.Value) != nil || !x.Until.IsZero() && !x.From.IsZero() && !x.Until.After(x.From) {
				t.Errorf("%q means %+v", s, x)
			}
		}
	})
}
