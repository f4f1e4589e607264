//go:build linux

package source

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

const testUser = 1000

func mockLogind(t *testing.T, bus *sourcetest.Bus) *sourcetest.Mock {
	return bus.Template(t, "logind", logindName, logindPath, "")
}

func addSession(t *testing.T, mock *sourcetest.Mock, id string, uid uint32, active bool) (set func(string, any)) {
	mock.Call(t, "AddSession", id, "seat0", uid, "user", active)
	mock.CallObject(t, logindPath, "org.freedesktop.DBus.Mock.EmitSignal", logindManager, "SessionNew", "so",
		[]any{dbus.MakeVariant(id), dbus.MakeVariant(sessionPath(id))})
	return func(name string, v any) {
		mock.Set(t, sessionPath(id), logindSession, map[string]any{name: v})
	}
}

func sessionPath(id string) string { return "/org/freedesktop/login1/session/" + id }

func TestLogind(t *testing.T) {
	bus := sourcetest.NewBus(t)
	mock := mockLogind(t, bus)
	r, _ := start(t, one("logind", sessionFacts, newLogind(bus.Address, testUser, "/", Power{})))
	r.fact(t, task.FactUser, task.Away) // nobody is logged in: a lingering user
	r.fact(t, task.FactSession, task.Disconnected)

	addSession(t, mock, "other", 1001, true)
	first := addSession(t, mock, "one", testUser, true)
	r.fact(t, task.FactUser, task.Present)
	r.fact(t, task.FactSession, task.Connected)
	first("LockedHint", true)
	r.fact(t, task.FactUser, task.Away)
	if d := r.detail(task.FactUser); d != "locked" {
		t.Errorf("detail %q", d)
	}
	first("LockedHint", false)
	r.fact(t, task.FactUser, task.Present)
	first("IdleHint", true)
	r.fact(t, task.FactUser, task.Away)

	second := addSession(t, mock, "two", testUser, true) // present in one of two
	r.fact(t, task.FactUser, task.Present)
	second("Class", "manager") // systemd's own session of the user
	r.fact(t, task.FactUser, task.Away)
	first("Active", false)
	r.fact(t, task.FactSession, task.Disconnected)
}

func TestLogindIdle(t *testing.T) {
	bus := sourcetest.NewBus(t)
	mock := mockLogind(t, bus)
	r, _ := start(t, one("logind", sessionFacts, newLogind(bus.Address, testUser, t.TempDir(), Power{})))
	r.fact(t, task.FactIdle, task.No)
	mock.Set(t, logindPath, logindManager, map[string]any{"IdleHint": true})
	r.fact(t, task.FactIdle, task.Yes)
	if d := r.detail(task.FactIdle); d == "" {
		t.Error("it does not say that the load is not known")
	}
}

func TestLogindShutdown(t *testing.T) {
	bus := sourcetest.NewBus(t)
	mock := mockLogind(t, bus)
	type told struct {
		coming  bool
		release func()
	}
	shutdowns, sleeps := make(chan told, 8), make(chan bool, 8)
	r, stop := start(t, one("logind", sessionFacts, newLogind(bus.Address, testUser, "/", Power{
		Shutdown: func(coming bool, release func()) { shutdowns <- told{coming, release} },
		Sleep:    func(coming bool) { sleeps <- coming },
	})))
	r.state(t, "logind", task.SourceUp)
	set := func(name string, v bool) { mock.Set(t, logindPath, logindManager, map[string]any{name: v}) }
	inhibitors(t, bus, 1)

	set("PreparingForSleep", true)
	if !<-sleeps {
		t.Error("the first is not that sleep comes")
	}
	set("PreparingForSleep", false)
	if <-sleeps {
		t.Error("the second is not that it woke")
	}

	set("PreparingForShutdown", true)
	down := <-shutdowns
	if !down.coming {
		t.Error("the first is not that the shutdown comes")
	}
	inhibitors(t, bus, 1) // it waits for us
	down.release()
	down.release()
	inhibitors(t, bus, 0)

	set("PreparingForShutdown", false)
	if (<-shutdowns).coming {
		t.Error("the second is not that it was called off")
	}
	inhibitors(t, bus, 1) // ready for the next
	stop()
	inhibitors(t, bus, 0)
}

// inhibitors waits until logind has so many.
func inhibitors(t *testing.T, bus *sourcetest.Bus, want int) {
	t.Helper()
	conn := bus.Connect(t)
	for {
		var list []struct {
			What, Who, Why, Mode string
			UID, PID             uint32
		}
		if err := conn.Object(logindName, logindPath).Call(logindManager+".ListInhibitors", 0).Store(&list); err != nil {
			t.Fatal(err)
		}
		if len(list) == want {
			if want == 1 && (list[0].What != "shutdown" || list[0].Mode != "delay") {
				t.Errorf("inhibitor %+v", list[0])
			}
			return
		}
		if t.Context().Err() != nil {
			t.Fatalf("%d inhibitors, want %d", len(list), want)
		}
	}
}

// The kernel's own pressure information: a trigger is accepted, and closing it
// ends the goroutine. Whether this machine is busy is not ours to say.
func TestPressure(t *testing.T) {
	if _, err := os.Stat("/proc/pressure/cpu"); err != nil {
		t.Skip("this kernel has no pressure stall information")
	}
	l := startLoad("/", func() {})
	l.stop()
	if l.detail != "" {
		t.Error(l.detail)
	}
}

func TestNoPressure(t *testing.T) {
	dir := t.TempDir()
	for _, root := range []string{dir, filepath.Join(dir, "none")} {
		l := startLoad(root, func() {})
		l.stop()
		if l.detail == "" || l.busy.Load() {
			t.Errorf("without the files: busy %v, %q", l.busy.Load(), l.detail)
		}
	}
}
