package calendar

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func FuzzParseNext(f *testing.F) {
	for _, expr := range []string{
		"0 9 * * 1-5", "*/5 */2 1,15 jan-mar sun", "@daily", "@1700000000", "daily UTC", "Mon..Fri *-*-* 09:00:30 Europe/Berlin",
		"*-02-30", "Mon *-05~07/1", "2003-02..04-05", "30 2 * * *", "*:*:*", "Sat,Thu, 12-*~1..3/2 1,2/3:4..5/6:7", "", "*/0 * * * *",
	} {
		f.Add(expr, int64(1_711_846_800), uint8(0))
	}
	var zones []*time.Location
	for _, name := range []string{"UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "Africa/Monrovia"} {
		zones = append(zones, mustZone(f, name))
	}
	f.Fuzz(func(t *testing.T, expr string, unix int64, zone uint8) {
		s, err := Parse(expr)
		if err != nil {
			if err.Error() == "" || s != nil {
				t.Fatalf("%q: schedule %v, error %q", expr, s, err)
			}
			return
		}
		again, err := Parse(s.String())
		if diff := cmp.Diff(s, again, cmp.AllowUnexported(Schedule{}, yearSet{})); err != nil || diff != "" {
			t.Fatalf("%q parsed again: %v\n%s", s, err, diff)
		}
		after := time.Unix(unix, 0)
		for range 20 {
			next, ok := s.Next(after, zones[int(zone)%len(zones)])
			if !ok {
				return
			}
			if !next.After(after) || next.After(after.AddDate(horizon, 0, 0)) || next.Nanosecond() != 0 {
				t.Fatalf("%q after %v: %v", expr, after, next)
			}
			after = next
		}
	})
}
