//go:build linux

package broker_test

import (
	"os"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

// logind is as much of it as a shutdown needs.
type logind struct {
	delay dbus.UnixFD // what the broker is given to hold
	asked chan struct{}
}

func (l *logind) Inhibit(what, who, why, mode string) (dbus.UnixFD, *dbus.Error) {
	if what != "shutdown" || mode != "delay" {
		return 0, dbus.MakeFailedError(os.ErrInvalid)
	}
	l.asked <- struct{}{}
	return l.delay, nil
}

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

func TestAShutdownWaitsForTheRuns(t *testing.T) {
	t.Run("logind was there", func(t *testing.T) { shutdownWaits(t, false) })
	t.Run("logind comes later", func(t *testing.T) { shutdownWaits(t, true) })
}

func shutdownWaits(t *testing.T, late bool) {
	sourcetest.Need(t, "dbus", "dbus-daemon")
	bus := sourcetest.NewBus(t)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.Address)
	held, delay, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	conn := bus.Connect(t)
	asked := make(chan struct{}, 9)
	appears := func() {
		publish(t, conn, "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager", &logind{dbus.UnixFD(delay.Fd()), asked},
			map[string]any{"InhibitDelayMaxUSec": uint64(30_000_000)})
	}
	if !late {
		appears()
	}

	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "work", manyClass)
	since := r.now()
	r.fire(id, "hang")
	r.awaitRunning(since, id)
	if late {
		appears()
	}
	<-asked // the broker listens to the signal before it asks for the delay
	if err := conn.Emit("/org/freedesktop/login1", "org.freedesktop.login1.Manager.PrepareForShutdown", true); err != nil {
		t.Fatal(err)
	}
	if err := <-r.ended; err != nil {
		t.Errorf("the broker ended: %v", err)
	}
	if _, err := conn.ReleaseName("org.freedesktop.login1"); err != nil {
		t.Fatal(err)
	}
	delay.Close()
	if n, err := held.Read(make([]byte, 1)); n != 0 || err == nil { // the shutdown goes on
		t.Errorf("the delay lock is still held: %d, %v", n, err)
	}
	r.start()
	if run := r.awaitEnd(since, id); run.Outcome != task.Canceled || run.Reason != task.ReasonTerminating {
		t.Errorf("the run: %+v", run)
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
