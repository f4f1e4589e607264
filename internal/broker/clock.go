//go:build linux

package broker

import (
	"fmt"
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/internal/engine"
)

const localtime = "/etc/localtime"

// machineClock reads the clocks of the kernel. It is used by the loop alone.
type machineClock struct {
	bootID string
	zone   *time.Location
	file   zoneFile
}

// zoneFile says which file the zone was read from; another one is read anew.
type zoneFile struct {
	dev, ino uint64
	mtime    unix.Timespec
}

// newClock fails where the kernel does not say which boot this is.
func newClock() (*machineClock, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, fmt.Errorf("the boot id cannot be read: %w", err)
	}
	return &machineClock{bootID: strings.TrimSpace(string(id)), zone: time.Local}, nil
}

// Clocks are read one after another. What lies between two readings, a sleep of the
// machine or a stop of this process, would look like a step of one of them: so they
// are read again, until no more than atOnce lies between the first and the last.
const (
	atOnce   = 10 * time.Millisecond
	readings = 10 // at most: then the closest ones have to do
)

// Now reads all clocks, and the machine's zone when it was changed.
func (c *machineClock) Now() engine.Instant {
	zone := c.location()
	var now engine.Instant
	for best, n := time.Duration(math.MaxInt64), 0; best > atOnce && n < readings; n++ {
		first := read(unix.CLOCK_BOOTTIME)
		wall, awake := time.Now(), read(unix.CLOCK_MONOTONIC)
		if took := read(unix.CLOCK_BOOTTIME) - first; took < best {
			best = took
			now = engine.Instant{Wall: wall.Round(0).In(zone), Boot: first, Awake: awake, ID: c.bootID}
		}
	}
	return now
}

func read(clock int32) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		panic(fmt.Sprintf("clock_gettime(%d): %v", clock, err)) // the kernel has had both since 2.6.39
	}
	return time.Duration(ts.Nano())
}

// location is the machine's zone: a variable TZ fixes it, as everywhere; else
// it is /etc/localtime, which changes while we run.
func (c *machineClock) location() *time.Location {
	if _, fixed := os.LookupEnv("TZ"); fixed {
		return time.Local
	}
	var st unix.Stat_t
	if unix.Stat(localtime, &st) != nil {
		return c.zone
	}
	file := zoneFile{dev: st.Dev, ino: st.Ino, mtime: st.Mtim}
	if file == c.file {
		return c.zone
	}
	data, err := os.ReadFile(localtime)
	if err != nil {
		return c.zone
	}
	if zone, err := time.LoadLocationFromTZData(linkedZone(localtime), data); err == nil {
		c.zone, c.file = zone, file
	}
	return c.zone
}

// linkedZone is the IANA name that the link path stands for: "Europe/Berlin".
func linkedZone(path string) string {
	target, err := os.Readlink(path)
	if err != nil {
		return "Local"
	}
	if _, name, ok := strings.Cut(target, "/zoneinfo/"); ok {
		return name
	}
	return "Local"
}
