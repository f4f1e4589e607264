package calendar

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/adhocore/gronx"
	cron "github.com/netresearch/go-cron"
)

// An oracle is an independent cron library. Its next returns false where the
// library differs from Vixie cron by design, or gives up.
type oracle struct {
	name string
	next func(sample, time.Time) (time.Time, bool)
}

var goCron = cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DowOrDom).WithMaxSearchYears(50)

var oracles = []oracle{
	{"go-cron", func(s sample, after time.Time) (time.Time, bool) {
		if strings.Contains(dayFields(s.text), "*/") || openWeekday.MatchString(s.text) {
			return time.Time{}, false // go-cron counts */2 as a restriction, and ends 5/2 with 7, the following Sunday
		}
		schedule, err := goCron.Parse(s.text)
		if err != nil {
			return time.Time{}, false
		}
		next := schedule.Next(after)
		return next, !next.IsZero()
	}},
	{"gronx", func(s sample, after time.Time) (time.Time, bool) {
		next, err := gronx.NextTickAfter(s.text, after, false)
		return next, err == nil
	}},
}

var openWeekday = regexp.MustCompile(`[ ,]\d/\d+(,[^ ]*)?$`)

func dayFields(expr string) string {
	fields := strings.Fields(expr)
	return fields[2] + " " + fields[4]
}

// compareWithOracles compares the next time after random times and returns how
// many answers each oracle gave. In zones with clock changes the libraries differ
// from each other, so days with a change are left out. They are checked by the
// reference implementation, by systemd and by a test of their own.
func compareWithOracles(t *testing.T, r *rand.Rand, zone *time.Location, n int) map[string]int {
	t.Helper()
	answers := map[string]int{}
	for range n {
		s := randomCron(r)
		schedule := mustParse(t, s.text)
		after := time.Date(2000+r.IntN(35), 1, 1, 0, r.IntN(366*24*60), 0, 0, time.UTC).In(zone)
		got, ok := schedule.Next(after, zone)
		for _, oracle := range oracles {
			want, known := oracle.next(s, after)
			if !known || clockChanges24h(after) || clockChanges24h(want) || ok && clockChanges24h(got) {
				continue
			}
			answers[oracle.name]++
			if !ok || !got.Equal(want) {
				t.Errorf("%q in %v after %v:\n got %v %v\n%s says %v", s.text, zone, after, got, ok, oracle.name, want)
			}
		}
	}
	return answers
}

func clockChanges24h(t time.Time) bool {
	_, before := t.Add(-26 * time.Hour).Zone()
	_, after := t.Add(26 * time.Hour).Zone()
	return before != after
}

func TestOraclesAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"} {
		const n = 400
		answers := compareWithOracles(t, r, mustZone(t, name), n)
		for _, oracle := range oracles {
			if answers[oracle.name] < n/4 {
				t.Errorf("%s: %s answered only %d of %d", name, oracle.name, answers[oracle.name], n)
			}
		}
	}
}
