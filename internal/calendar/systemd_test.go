package calendar

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/needs"
)

// systemdAnalyze runs "systemd-analyze calendar" in UTC. If it is not installed,
// the test is skipped, or fails in CI.
func systemdAnalyze(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		needs.Missing(t, "systemd-analyze", needs.Package("systemd"))
	}
	cmd := exec.CommandContext(t.Context(), path, append([]string{"calendar"}, args...)...)
	cmd.Env = []string{"TZ=UTC", "LC_ALL=C", "SYSTEMD_COLORS=0"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

const systemdLayout = "Mon 2006-01-02 15:04:05 MST"

// systemdNext returns the next times of several expressions, from one call.
func systemdNext(t *testing.T, after time.Time, n int, exprs []string) [][]time.Time {
	t.Helper()
	args := []string{fmt.Sprint("--iterations=", n), "--base-time=" + after.UTC().Format(layout)}
	out, err := systemdAnalyze(t, append(args, exprs...)...)
	if err != nil {
		t.Fatalf("systemd-analyze: %v\n%s", err, out)
	}
	var all [][]time.Time
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch {
		case key == "Normalized form":
			all = append(all, nil)
		case (key == "Next elapse" || strings.HasPrefix(key, "Iter. #")) && strings.TrimSpace(value) != "never":
			at, err := time.Parse(systemdLayout, strings.TrimSpace(value))
			if err != nil {
				t.Fatal(err)
			}
			all[len(all)-1] = append(all[len(all)-1], at)
		}
	}
	if len(all) != len(exprs) {
		t.Fatalf("systemd-analyze answered %d of %d expressions:\n%s", len(all), len(exprs), out)
	}
	return all
}

// compareWithSystemd returns the number of times compared.
func compareWithSystemd(t *testing.T, after time.Time, exprs []string) (compared int) {
	t.Helper()
	const n = 6
	for i, want := range systemdNext(t, after, n, exprs) {
		s := mustParse(t, exprs[i])
		zone := mustZone(t, "UTC")
		if s.Zone() != "" {
			zone = mustZone(t, s.Zone())
		}
		got := upcoming(s, after, zone, n)
		want = withinHorizon(want, after)
		for j := range got {
			got[j] = got[j].UTC()
		}
		if g, w := format(got, layout), format(want, layout); g != w {
			t.Errorf("%q after %v:\n    got %s\nsystemd %s", exprs[i], after, g, w)
		}
		compared += len(want)
	}
	return compared
}

// withinHorizon removes times that are too far ahead for Next; systemd looks
// ahead to its last year.
func withinHorizon(times []time.Time, after time.Time) []time.Time {
	for i, at := range times {
		if at.After(after.AddDate(horizon, 0, 0)) {
			return times[:i]
		}
		after = at
	}
	return times
}

func TestSystemdAgrees(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	compared := 0
	// No time at the end of a year: there systemd 252 says that "*-*-11/18" fires next on January 29, and a second later
	// that it fires on the 11th.
	for _, base := range []string{"2000-01-01 00:00:00", "2024-02-28 23:59:00", "2026-07-04 12:34:56", "2096-02-29 00:00:00"} {
		var exprs []string
		for range 100 {
			exprs = append(exprs, randomOnCalendar(r, randomOnCalendarField(r, 0, 59)).text)
		}
		compared += compareWithSystemd(t, mustTime(t, base, time.UTC), exprs)
	}
	if compared < 1000 {
		t.Errorf("only %d times were compared", compared)
	}
}

// The times are around noon, because at a gap systemd waits for the next day,
// unlike this package.
func TestSystemdAgreesInZones(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	var exprs []string
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "utc", "CET"} {
		for range 10 {
			weekdays := randomWeekdays(r).text
			exprs = append(exprs, weekdays+randomList(r, 10, 15, "..").text+":"+randomOnCalendarField(r, 0, 59).text+" "+zone)
		}
		exprs = append(exprs, "*-3,10-25..31 12:00 "+zone)
	}
	compareWithSystemd(t, time.Date(2024, 3, 25, 0, 0, 0, 0, time.UTC), exprs)
}

func TestSystemdAcceptsTheSame(t *testing.T) {
	accepted := []string{
		"Mon", "Mon,", "Mon, 10:00", "MON..fri", "Mon-Fri", "Mon..Sun", "*-*", "10-15", "*~1", "2024-2-29,30", "0-1-1", "69-1-1",
		"70..80-1-1", "2024..2199/100-1-1", "001:0", "0..0:0", "*-*-5..5", "*-*-1..5/5", "1,2,1..3:0", "0/1:0", "*-*~5/4",
		"*-*~1..7/3", "@0", "@1700000000 UTC", "hourly UTC", "DAILY", "biannually", "annually", "Mon UTC", "*:*:*", "Mon ",
	}
	compareWithSystemd(t, time.Date(2023, 11, 1, 0, 0, 0, 0, time.UTC), accepted)

	refused := []string{
		"", "*", "9", "Mon *", "Fri..Mon", "Sun..Tue", "Mon..", "Mon,,Tue", "Mon, Tue", "Mon ,Tue", "Mon..Tue..Wed", "Tues", "Tomorrow",
		"*-*-*/2", "*:*/5", "*/3-1-1", "*-*-1,*", "*-*~3..1", "*-*~31", "*-*-0", "*-*-32", "*-13-1", "10-15~1", "~1", "Mon ~1", "*-*-1~2",
		"1969-1-1", "100-1-1", "2200-1-1", "24:00", "00:00:60", "5..3:0", "5/0:0", "5/60:0", "1,:0", ",1:0", "1/:0", "/2:0", "+1:0",
		"1:2:3:4", "*:*:*.", "Mon*-*-* 1:00", "2003-03-05T05:40", "UTC", "@1700000000.5", "99999999999:0", "2003-", "Mon 1:00 Local",
	}
	for _, expr := range refused {
		if out, err := systemdAnalyze(t, "--", expr); err == nil {
			t.Errorf("systemd accepts %q:\n%s", expr, out)
		}
		if _, err := Parse(expr); err == nil {
			t.Errorf("we accept %q and systemd does not", expr)
		}
	}
}
