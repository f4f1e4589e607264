//go:build linux

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

// With all services on the buses, and with files, sockets, devices, toasts and push
// messages watched, the broker does not wake up while nothing happens. It has no
// pressure information here, because that reflects the load of the machine that runs
// the tests.
func TestIdle(t *testing.T) {
	if !sourcetest.InNamespace(t) {
		return
	}
	sourcetest.PrivateDirs(t, "/run", "/proc/pressure")
	bus := sourcetest.NewBus(t)
	w := newWorld(t, "")
	w.extra = []string{"DBUS_SYSTEM_BUS_ADDRESS=" + bus.Address, "DBUS_SESSION_BUS_ADDRESS=" + bus.Address}
	playServices(t, bus)
	bus.Template(t, "notification_daemon", desktopName, desktopPath, `{"capabilities": "actions"}`)
	d := playDistributor(t, bus)
	broker := w.start()
	if err := os.Mkdir(w.path("inbox"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, on := range map[string]string{"files": "path:inbox", "socket": "socket:unix:s", "devices": "device:usb", "toasts": "toast", "push": "push", "edges": "internet"} {
		w.add(name, "true", "--on", on)
	}
	w.add("held", "true", "--on", "event:go", "--when", "no-internet,user-away")
	w.do("raise", "go")
	await(t, d.registered)
	for _, name := range []string{"logind", "UPower", "NetworkManager", "power-profiles-daemon (hadess)", "localtime", "statfs",
		"inotify", "sockets", "uevents", "notifications", "UnifiedPush"} {
		w.awaitSource(name, task.SourceUp)
	}
	w.user.Close()
	// Anything that polls more often than every ten seconds shows up in every window.
	// What remains is the check of the free space, once a minute, and Go's collector,
	// every two minutes. Neither falls into three windows in a row, and load on the
	// machine does not add to the count.
	time.Sleep(8 * time.Second) // Go's runtime returns the memory that the start took
	var counts []int
	for range 3 {
		before := wakeUps(t, broker.pid)
		time.Sleep(10 * time.Second)
		n := wakeUps(t, broker.pid) - before
		if n == 0 {
			return
		}
		counts = append(counts, n)
	}
	t.Errorf("the broker woke up %d times per window of 10 s", counts)
}

// wakeUps counts how often any thread of a process was scheduled on a processor.
func wakeUps(t *testing.T, pid int) (total int) {
	t.Helper()
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if words := strings.Fields(string(text)); len(words) == 3 {
			n, _ := strconv.Atoi(words[2])
			total += n
		}
	}
	return total
}
