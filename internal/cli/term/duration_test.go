package term

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for s, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1w": 168 * time.Hour, "1w1d1h": 193 * time.Hour, "1d12h": 36 * time.Hour, "1.5h": 90 * time.Minute,
		"": 0, "0": 0, "0d": 0, "-1h": 0, "1d-2h": 0, "d": 0, "5": 0, "1x": 0, "999999d": 0, "1h1d": 0,
	} {
		got, err := ParseDuration(s)
		if got != want && err == nil || (err == nil) != (want > 0) {
			t.Errorf("parseDuration(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"1w2d3h", "99999w99999d", "1d-1ns", "9223372036854775807ns", "99999w2562047h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDuration(s); err == nil && d <= 0 {
			t.Errorf("parseDuration(%q) = %v", s, d)
		}
	})
}
