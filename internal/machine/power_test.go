//go:build linux

package machine

import (
	"testing"
	"time"
)

// offFor is long enough for some instants to be missed: those that are more than a
// minute late when the machine is on again.
const offFor = time.Minute + 12*time.Second

// TestPowerOff checks that running tasks are canceled and get their grace period, that
// waiting tasks are still there afterwards, and that instants during the time off are
// recorded as missed.
func TestPowerOff(t *testing.T) {
	t.Parallel()
	m := ready(t)
	said := m.watch()
	m.user("sh", "-c", `mkdir -p ~/.config/bgtask && echo 'min_freshness = "1s"' >~/.config/bgtask/config.toml && systemctl --user restart bgtask.service`)
	m.bgtask("install", "/opt/primes")
	m.user("/opt/primes/SampleBackgroundApp/SampleBackgroundApp", "-RegisterSampleTask")
	m.bgtask("add", "long", "--", "sh", "-c", graceful)
	m.bgtask("add", "held", "--when", "user-present", "--", "true")
	m.bgtask("add", "often", "--every", "3s", "--when", "user-present", "--", "true")
	for _, task := range []string{"long", "SampleTask", "held"} {
		m.bgtask("fire", task)
	}
	said.of("running", "long")
	said.of("running", "SampleTask")

	m.powerOff()
	time.Sleep(offFor) // the machine must be off for this long
	m.boot()
	m.root("systemctl", "start", "user@1000.service") // returns when it is up

	said = m.watch()
	if r := said.ended("long", "canceled", "Terminating"); r.Forced || m.root("cat", "/home/ann/grace") != "used" {
		t.Errorf("long had no grace: %+v", r)
	}
	if was := m.root("cat", "/home/ann/system"); was != "running" {
		t.Errorf("the shutdown did not wait: while long had its grace, the system was %s", was)
	}
	if r := said.ended("SampleTask", "canceled", "Terminating"); r.Forced {
		t.Errorf("SampleTask had no grace: %+v", r)
	}
	if missed := said.of("missed", "often").Missed; missed.Cause != "powered off" {
		t.Errorf("often was missed: %s", missed.Cause)
	}
	for _, name := range []string{"long", "SampleTask"} {
		m.eventually(name+" runs again", func() bool { return m.task(name).State.Phase == "running" })
		if r := m.task(name).State.Run; r.Attempt != 2 || r.Occurrence.Number != 1 {
			t.Errorf("%s runs again as %+v", name, r)
		}
	}
	if i := m.task("held"); !i.heldBy("condition", "UserPresent") {
		t.Errorf("held is %+v", i.State)
	}
	m.logIn()
	said.ended("held", "completed", "")
}
