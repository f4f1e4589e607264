//go:build linux

package clock

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

// Clock reads the kernel's clocks. Only one goroutine may use it, the loop.
type Clock struct {
	bootID string
	zone   *time.Location
	file   zoneFile
}

// zoneFile identifies the file that the zone was read from. When /etc/localtime is
// another file, the zone is read again.
type zoneFile struct {
	dev, ino uint64
	mtime    unix.Timespec
}

// New returns the machine's clock. It fails where the kernel gives no boot id.
func New() (*Clock, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, fmt.Errorf("read the boot id: %w", err)
	}
	return &Clock{bootID: strings.TrimSpace(string(id)), zone: time.Local}, nil
}

// The clocks are read one after another. If the machine sleeps or this process is
// stopped between two readings, one clock seems to have been set. So all are read
// again until at most apart lies between the first and the last reading.
const (
	apart    = 10 * time.Millisecond
	readings = 10 // the most; then the closest readings are used
)

// Now reads all clocks, and the machine's zone if it has changed.
func (c *Clock) Now() engine.Instant {
	zone := c.location()
	var now engine.Instant
	for best, n := time.Duration(math.MaxInt64), 0; best > apart && n < readings; n++ {
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
		panic(fmt.Sprintf("clock_gettime(%d): %v", clock, err)) // both exist since Linux 2.6.39
	}
	return time.Duration(ts.Nano())
}

// location returns the machine's zone. The variable TZ fixes it, as in every program;
// without TZ it is /etc/localtime, which may change while the broker runs.
func (c *Clock) location() *time.Location {
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

// linkedZone returns the IANA name of the zone that the link path points to, such as
// "Europe/Berlin".
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
