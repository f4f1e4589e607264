//go:build linux

package clock

import (
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestClocksAgreeWithTheKernel(t *testing.T) {
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	seconds, _, _ := strings.Cut(string(uptime), " ")
	up, err := time.ParseDuration(seconds + "s")
	if err != nil {
		t.Fatal(err)
	}
	now := c.Now()
	if now.Boot < up {
		t.Errorf("boot time %v is before /proc/uptime, %v", now.Boot, up)
	}
	if now.Awake > now.Boot+time.Millisecond {
		t.Errorf("awake %v is longer than boot %v", now.Awake, now.Boot)
	}
	if len(now.ID) != 36 {
		t.Errorf("boot id %q", now.ID)
	}
	if later := c.Now(); later.Boot <= now.Boot || later.Awake <= now.Awake {
		t.Errorf("time stands still: %v, then %v", now, later)
	}
}

func TestAlarm(t *testing.T) {
	a, err := NewAlarm()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	at := read(unix.CLOCK_BOOTTIME) + 20*time.Millisecond
	if err := a.Set(at); err != nil {
		t.Fatal(err)
	}
	<-a.C()
	if now := read(unix.CLOCK_BOOTTIME); now < at {
		t.Errorf("it rang at %v, before %v", now, at)
	}
	if err := a.Set(1); err != nil { // long past: it rings immediately
		t.Fatal(err)
	}
	<-a.C()
	if err := a.Set(0); err != nil {
		t.Fatal(err)
	}
}

func TestAlarmRingsWhenTheWallClockIsSet(t *testing.T) {
	a, err := NewAlarm()
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &now); err != nil {
		t.Fatal(err)
	}
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &now); err != nil {
		t.Logf("cannot set the clock here (%v), so no step can be observed", err)
		return
	}
	<-a.C()
}
