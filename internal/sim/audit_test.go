package sim

import (
	"testing"
	"time"
)

// falseAlarms are seeds for which the auditor once reported a broken promise that the
// engine had kept.
var falseAlarms = []struct {
	seed uint64
	why  string
}{
	{7010219, "energy-saver turned off and on again between two checks: the loss delay starts anew"},
	{7013648, "the wall clock was behind at boot, and had passed the stored time before a broker read it"},
}

func TestFalseAlarms(t *testing.T) {
	for _, alarm := range falseAlarms {
		if r := (History{Seed: alarm.seed, Steps: 250}).Play(); r.Err != nil {
			t.Errorf("seed %d (%s): step %d: %v", alarm.seed, alarm.why, r.Step, r.Err)
		}
	}
}

// TestClockReadLate boots with a clock that is 30 hours behind. A broker that reads it
// immediately stores that it is behind, and the correction counts as time off. One that
// reads it after it has passed the stored time cannot know, and the auditor must not
// expect it to.
func TestClockReadLate(t *testing.T) {
	for _, late := range []time.Duration{0, 40 * time.Hour} {
		m := newMachine(1, nil)
		m.begin()
		m.advance(time.Minute)
		m.audit.elapsed()
		m.die()
		m.reboot(time.Hour, -30*time.Hour)
		m.audit.rebooted(-30 * time.Hour)
		m.sleep(late)
		m.start()
		m.setClock(30 * time.Hour)
		m.audit.elapsed()
		if m.err != nil {
			t.Errorf("read %v after boot: %v", late, m.err)
		}
		if wantExact := late == 0; m.exact != wantExact {
			t.Errorf("read %v after boot: elapsed time is checked: %t, want %t", late, m.exact, wantExact)
		}
	}
}
