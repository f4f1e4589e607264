//go:build linux

package broker_test

import (
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

// publish puts an object with properties on the bus.
func publish(t *testing.T, conn *dbus.Conn, name, path, iface string, object any, properties map[string]any) {
	t.Helper()
	if object != nil {
		if err := conn.Export(object, dbus.ObjectPath(path), iface); err != nil {
			t.Fatal(err)
		}
	}
	all := prop.Map{iface: {}}
	for name, value := range properties {
		all[iface][name] = &prop.Prop{Value: value}
	}
	if _, err := prop.Export(conn, dbus.ObjectPath(path), all); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName(name, 0); err != nil {
		t.Fatal(err)
	}
}

// A user manager that stops everything ends the runs; SIGTERM alone does not.
func TestTheEndOfTheSessionEndsTheRuns(t *testing.T) {
	sourcetest.Need(t, "dbus", "dbus-daemon")
	bus := sourcetest.NewBus(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", bus.Address)
	publish(t, bus.Connect(t), "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", nil,
		map[string]any{"SystemState": "stopping", "Environment": []string{"DISPLAY=:7"}})

	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "work", manyClass)
	since := r.now()
	r.fire(id, "hang")
	r.awaitRunning(since, id)
	r.handOver()
	r.start()
	if run := r.awaitEnd(since, id); run.Outcome != task.Canceled || run.Reason != task.ReasonLoggingOff {
		t.Errorf("the run: %+v", run)
	}
}

// DISPLAY is that of the session as it is at launch.
func TestALaunchedServerIsGivenTheSession(t *testing.T) {
	sourcetest.Need(t, "dbus", "dbus-daemon")
	bus := sourcetest.NewBus(t)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", bus.Address)
	t.Setenv("DISPLAY", ":1") // the broker's own, which may be old
	publish(t, bus.Connect(t), "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", nil,
		map[string]any{"SystemState": "running", "Environment": []string{"DISPLAY=:7", "NOTHING=of ours"}})
	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "work", manyClass)
	since := r.now()
	r.fire(id, "environment DISPLAY")
	if run := r.awaitEnd(since, id); run.Text != ":7" {
		t.Errorf("DISPLAY is %q, want :7", run.Text)
	}
}
