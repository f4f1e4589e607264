package task

import (
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		d                          time.Duration
		duration, roughly, exactly string
	}{
		{0, "0 s", "0 s", "0 s"},
		{400 * time.Microsecond, "0.4 ms", "0.4 ms", "0.0004 s"},
		{2 * time.Millisecond, "2 ms", "2 ms", "0.002 s"},
		{35 * time.Millisecond, "35 ms", "35 ms", "0.035 s"},
		{99*time.Millisecond + 600*time.Microsecond, "0.1 s", "0.1 s", "0.0996 s"},
		{100 * time.Millisecond, "0.1 s", "0.1 s", "0.1 s"},
		{1234 * time.Millisecond, "1.2 s", "1.2 s", "1.234 s"},
		{9960 * time.Millisecond, "10 s", "10 s", "9.96 s"},
		{14 * time.Second, "14 s", "14 s", "14 s"},
		{59600 * time.Millisecond, "1 min", "59 s", "59.6 s"},
		{13*time.Minute + 20*time.Second, "13 min 20 s", "13 min", "13 min 20 s"},
		{3599800 * time.Millisecond, "1 h", "59 min", "59 min 59.8 s"},
		{88*time.Minute + 20*time.Second, "1 h 28 min", "1 h", "1 h 28 min 20 s"},
		{9*time.Hour + 31*time.Minute + 40*time.Second, "9 h 32 min", "9 h", "9 h 31 min 40 s"},
		{72 * time.Hour, "3 d", "3 d", "72 h"},
		{72*time.Hour - time.Second, "3 d", "2 d", "71 h 59 min 59 s"},
		{7 * day, "7 d", "7 d", "7 d"},
		{7*day + 90*time.Minute, "7 d 2 h", "7 d", "169 h 30 min"},
		{-time.Minute, "-1 min", "-1 min", "-1 min"},
	}
	for _, tt := range tests {
		if got := Duration(tt.d); got != tt.duration {
			t.Errorf("Duration(%v) = %q, want %q", tt.d, got, tt.duration)
		}
		if got := Roughly(tt.d); got != tt.roughly {
			t.Errorf("Roughly(%v) = %q, want %q", tt.d, got, tt.roughly)
		}
		if got := Interval(tt.d); got != tt.exactly {
			t.Errorf("Interval(%v) = %q, want %q", tt.d, got, tt.exactly)
		}
	}
}
