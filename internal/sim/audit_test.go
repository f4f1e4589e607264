package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
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

// TestShortLosses changes a fact of a run's condition between two checks of the auditor:
// each time the condition holds, the loss delay starts again, and only a condition that
// fails for the whole of it must cancel the run.
func TestShortLosses(t *testing.T) {
	m := newMachine(1, nil)
	m.start()
	id := task.GUID{1}
	m.store.regs[id] = engine.Registration{TaskID: id, Spec: task.Spec{Conditions: []task.Condition{task.InternetAvailable}, CancelOnConditionLoss: true}}
	m.store.runs[id] = engine.Run{ID: id, TaskID: id, State: engine.RunRunning}
	m.audit.runs[id] = &runBook{task: id, failing: -1}
	internet := func(v task.Value) {
		m.deliver(engine.FactsReported{Source: "network", Facts: []task.Fact{{Name: task.FactInternet, Value: v}}})
		m.pump()
	}
	internet(task.No)
	m.audit.losses()
	for range 3 {
		m.pass(task.LossDelay - time.Second)
		internet(task.Yes)
		internet(task.No)
		m.audit.losses()
	}
	if m.err != nil {
		t.Fatalf("short losses: %v", m.err)
	}
	m.pass(task.LossDelay + 2*time.Second)
	m.audit.losses()
	if m.err == nil || !strings.Contains(m.err.Error(), "continues although its condition has failed") {
		t.Errorf("a loss of the whole delay: %v", m.err)
	}
}
