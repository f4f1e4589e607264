package calendar

import (
	"archive/zip"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// allZones loads the IANA database that comes with Go, without duplicates.
func allZones(t *testing.T) map[string]*time.Location {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }()
	zones, seen := map[string]*time.Location{}, map[string]bool{}
	for _, file := range archive.File {
		data := readZipped(t, file)
		if len(data) == 0 || seen[string(data)] {
			continue
		}
		seen[string(data)] = true
		if zones[file.Name], err = time.LoadLocationFromTZData(file.Name, data); err != nil {
			t.Fatal(err)
		}
	}
	return zones
}

func readZipped(t *testing.T, file *zip.File) []byte {
	t.Helper()
	r, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A change is one clock change in a zone.
type change struct {
	zone          *time.Location
	at            time.Time // the first second with the new offset
	before, after time.Duration
}

func changes(zone *time.Location) (list []change) {
	at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).In(zone)
	for {
		_, end := at.ZoneBounds()
		if end.IsZero() || end.Year() > 2037 {
			return list
		}
		if !end.After(at) { // golang/go#81583
			at = at.AddDate(0, 0, 1)
			continue
		}
		_, before := end.Add(-1).Zone()
		_, after := end.Zone()
		if before != after {
			list = append(list, change{zone, end, time.Duration(before) * time.Second, time.Duration(after) * time.Second})
		}
		at = end
	}
}

func TestEveryClockChange(t *testing.T) {
	gaps, overlaps := 0, 0
	for _, zone := range allZones(t) {
		for _, c := range changes(zone) {
			if c.before < c.after {
				gaps++
				checkGap(t, c)
			} else {
				overlaps++
				checkOverlap(t, c)
			}
		}
	}
	t.Logf("%d gaps and %d overlaps", gaps, overlaps)
	if gaps < 5000 || overlaps < 5000 {
		t.Errorf("only %d gaps and %d overlaps were found", gaps, overlaps)
	}
}

// checkGap checks that a time in the gap fires once, right after the gap.
func checkGap(t *testing.T, c change) {
	first, last := c.at.UTC().Add(c.before), c.at.UTC().Add(c.after).Add(-time.Second)
	for _, wall := range []time.Time{first, first.Add(last.Sub(first) / 2).Truncate(time.Second), last} {
		checkOnce(t, c, wall, c.at)
	}
	every := mustParse(t, "*:0/10:0")
	if next, ok := every.Next(c.at.Add(-time.Second), c.zone); !ok || !next.Equal(c.at) {
		t.Errorf("%v gap at %v: %q fires at %v %v", c.zone, c.at, every, next, ok)
	}
}

// checkOverlap checks that a time in the overlap fires only the first time.
func checkOverlap(t *testing.T, c change) {
	first, last := c.at.UTC().Add(c.after), c.at.UTC().Add(c.before).Add(-time.Second)
	for _, wall := range []time.Time{first, first.Add(last.Sub(first) / 2).Truncate(time.Second), last} {
		checkOnce(t, c, wall, wall.Add(-c.before))
	}
	passed := last.Add(time.Second).Add(-c.after) // the end of the second pass
	every := mustParse(t, "*:*:*")
	if next, ok := every.Next(c.at.Add(-time.Second), c.zone); !ok || !next.Equal(passed) {
		t.Errorf("%v overlap at %v: %q fires at %v %v, want %v", c.zone, c.at, every, next, ok, passed)
	}
}

// checkOnce checks that a wall time fires once, both with its date and daily.
func checkOnce(t *testing.T, c change, wall, want time.Time) {
	dated := mustParse(t, wall.Format(layout))
	got := upcoming(dated, want.Add(-36*time.Hour), c.zone, 2)
	if len(got) != 1 || !got[0].Equal(want) {
		t.Errorf("%v change at %v: %q fires at %v, want once at %v", c.zone, c.at, dated, got, want)
	}
	daily := mustParse(t, fmt.Sprintf("%d:%d:%d", wall.Hour(), wall.Minute(), wall.Second()))
	next, ok := daily.Next(want.Add(-time.Second), c.zone)
	if !ok || !next.Equal(want) {
		t.Errorf("%v change at %v: %q fires at %v %v, want %v", c.zone, c.at, daily, next, ok, want)
	}
	again, ok := daily.Next(want, c.zone)
	tomorrow := wall.AddDate(0, 0, 1).Add(-max(c.before, c.after))
	if !ok || again.Before(tomorrow) && !isGapOfADay(c) {
		t.Errorf("%v change at %v: %q fires at %v and at %v %v", c.zone, c.at, daily, want, again, ok)
	}
}

// isGapOfADay recognizes Kwajalein, Samoa and Tokelau when they crossed the date
// line: the next day begins immediately.
func isGapOfADay(c change) bool { return c.after-c.before >= 23*time.Hour }
