//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

// nsWorld returns a world in a network namespace without any of the machine's services.
// Its second result is false outside of the namespace.
func nsWorld(t *testing.T) (*world, bool) {
	t.Helper()
	if !sourcetest.InNamespace(t) {
		return nil, false
	}
	sourcetest.PrivateDirs(t, "/run") // the sockets of udev and the buses are there
	w := newWorld(t, "")
	w.extra = []string{"DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/none"}
	return w, true
}

// ip adds a route to the internet: a default route on a link with a carrier.
func online(t *testing.T) {
	t.Helper()
	sourcetest.IP(t, "link", "add", "up0", "type", "veth", "peer", "name", "far0")
	sourcetest.IP(t, "link", "set", "up0", "up")
	sourcetest.IP(t, "link", "set", "far0", "up")
	sourcetest.IP(t, "addr", "add", "192.0.2.10/24", "dev", "up0")
	sourcetest.IP(t, "route", "add", "default", "via", "192.0.2.1")
}

func TestTheInternetComesAndGoes(t *testing.T) {
	t.Parallel()
	w, inside := nsWorld(t)
	if !inside {
		return
	}
	w.start()
	edge := w.add("edge", record, "--on", "internet")
	held := w.add("held", hang, "--on", "event:go", "--when", "internet", "--cancel-on-loss")
	e := w.watch()
	w.awaitFact(task.FactInternet, task.No)
	w.do("raise", "go")
	e.phase(0, held, task.Held)

	online(t)
	if run := e.ends(0, edge); run.Outcome != task.Completed {
		t.Errorf("%s ended %v: %s", run.Name, run.Outcome, run.Text)
	}
	if d := w.reported()[0]; d != (task.SystemTriggerDetails{Type: task.OnInternetAvailable, Old: task.No, New: task.Yes}) {
		t.Errorf("it got %+v", d)
	}
	e.runs(0, held)

	i := e.mark()
	sourcetest.IP(t, "link", "set", "far0", "down") // the cable is pulled
	if run := e.ends(i, held); run.Outcome != task.Canceled || run.Reason != task.ReasonConditionLoss {
		t.Errorf("%s ended %v, %v", run.Name, run.Outcome, run.Reason)
	}
	e.phase(i, held, task.Held)
	if n := w.info(edge).Counts.Runs; n != 1 {
		t.Errorf("%d runs of one edge", n)
	}
}

func TestADeviceComesAndGoes(t *testing.T) {
	t.Parallel()
	w, inside := nsWorld(t)
	if !inside {
		return
	}
	w.start()
	id := w.add("plugged", record, "--on", "device:net")
	e := w.watch()
	w.awaitSource("uevents", task.SourceUp)
	w.do("list") // once a later request is answered, the registered trigger is watched

	for _, change := range []struct{ action, command string }{{"add", "add"}, {"remove", "del"}} {
		ip := []string{"link", change.command, "bgtask0"}
		if change.command == "add" {
			ip = append(ip, "type", "veth", "peer", "name", "bgtask1")
		}
		i := e.mark()
		sourcetest.IP(t, ip...)
		e.ends(i, id)
		eventually(t, "the command gets a device's "+change.action, func() bool {
			all := w.reported()
			last := all[len(all)-1].(task.DeviceWatcherTriggerDetails)
			name := filepath.Base(last.Device)
			return last.Action == change.action && last.Properties["INTERFACE"] == name && (name == "bgtask0" || name == "bgtask1")
		})
	}
}

// ownZone gives the namespace its own /etc, and sets its time zone as timedated does.
func (w *world) ownZone() (set func(zone string)) {
	w.t.Helper()
	etc := w.path("etc")
	if out, err := exec.Command("cp", "-a", "/etc", etc).CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	if err := syscall.Mount(etc, "/etc", "", syscall.MS_BIND, ""); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { syscall.Unmount("/etc", syscall.MNT_DETACH) })
	return func(zone string) {
		w.t.Helper()
		os.Remove("/etc/localtime.next")
		if err := os.Symlink("/usr/share/zoneinfo/"+zone, "/etc/localtime.next"); err != nil {
			w.t.Fatal(err)
		}
		if err := os.Rename("/etc/localtime.next", "/etc/localtime"); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestTheTimeZoneChanges(t *testing.T) {
	t.Parallel()
	w, inside := nsWorld(t)
	if !inside {
		return
	}
	setZone := w.ownZone()
	setZone("Asia/Tokyo")
	w.start()
	id := w.add("zone", record, "--on", "time-zone")
	e := w.watch()
	w.awaitFact(task.FactTimeZone, "+09:00")
	setZone("Asia/Kathmandu")
	e.ends(0, id)
	if d := w.reported()[0]; d != (task.SystemTriggerDetails{Type: task.OnTimeZoneChange, Old: "+09:00", New: "+05:45"}) {
		t.Errorf("it got %+v", d)
	}
	w.handOver() // a change while no broker is running is an edge, too
	i := e.mark()
	setZone("America/Bogota")
	w.start()
	e.ends(i, id)
	if d := w.reported()[1]; d != (task.SystemTriggerDetails{Type: task.OnTimeZoneChange, Old: "+05:45", New: "-05:00"}) {
		t.Errorf("after the restart it got %+v", d)
	}
}
