//go:build linux

package source

import (
	"os"
	"testing"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

// Test against the real udevd in a network namespace. A trigger fires if the
// rules set its properties, and does not if they do not.
func TestRealUdev(t *testing.T) {
	sourcetest.NeedRoot(t)
	if !sourcetest.InNamespace(t) {
		return
	}
	sourcetest.PrivateDirs(t, "/run", "/etc/udev")
	rules := "/run/udev/rules.d"
	do(t, os.MkdirAll(rules, 0o755))
	do(t, os.WriteFile(rules+"/90-test.rules", []byte(`SUBSYSTEM=="net", KERNEL=="bgtask0", ENV{ID_BGTASK}="cable"`+"\n"), 0o644))
	sourcetest.OwnSys(t)
	sourcetest.NewUdev(t)
	e := newEvents()
	w := NewDevices("/", e)
	w.Set(map[task.GUID]task.Trigger{
		idA: task.DeviceWatcherTrigger{Subsystem: "net", Properties: map[string]string{"ID_BGTASK": "cable"}},
		idB: task.DeviceWatcherTrigger{Subsystem: "net", Properties: map[string]string{"ID_BGTASK": "another"}},
	})
	watch(t, w)
	for _, action := range []string{"add", "remove"} {
		ip := []string{"link", "del", "bgtask0"}
		if action == "add" {
			ip = []string{"link", "add", "bgtask0", "type", "veth", "peer", "name", "bgtask1"}
		}
		sourcetest.IP(t, ip...)
		d := e.next(t, idA).(task.DeviceWatcherTriggerDetails)
		if d.Action != action || d.Properties["INTERFACE"] != "bgtask0" || d.Properties["ID_BGTASK"] != "cable" || d.Properties["USEC_INITIALIZED"] == "" {
			t.Errorf("%s: details %+v", action, d)
		}
	}
	for len(e.fired) > 0 {
		if f := <-e.fired; f.id == idB {
			t.Errorf("fired without its property: %+v", f)
		}
	}
}
