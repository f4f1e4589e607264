//go:build linux

package source

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/needs"
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
	r, _ := start(t, one("logind", sessionFacts, newLogind(bus.Address, testUser, "/", nil)))
	r.fact(t, task.FactUser, task.Away) // a lingering user without a session
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
	second("Class", "manager") // the session of the user's systemd
	r.fact(t, task.FactUser, task.Away)
	first("Active", false)
	r.fact(t, task.FactSession, task.Disconnected)
}

func TestLogindIdle(t *testing.T) {
	bus := sourcetest.NewBus(t)
	mock := mockLogind(t, bus)
	r, _ := start(t, one("logind", sessionFacts, newLogind(bus.Address, testUser, t.TempDir(), nil)))
	r.fact(t, task.FactIdle, task.No)
	mock.Set(t, logindPath, logindManager, map[string]any{"IdleHint": true})
	r.fact(t, task.FactIdle, task.Yes)
	if d := r.detail(task.FactIdle); d == "" {
		t.Error("the detail does not say that the load is unknown")
	}
}

func TestLogindShutdown(t *testing.T) {
	bus := sourcetest.NewBus(t)
	mock := mockLogind(t, bus)
	shutdowns := make(chan time.Duration, 8)
	r, stop := start(t, one("logind", sessionFacts, newLogind(bus.Address, testUser, "/", func(within time.Duration) { shutdowns <- within })))
	r.state(t, "logind", task.SourceUp)
	set := func(name string, v any) { mock.Set(t, logindPath, logindManager, map[string]any{name: v}) }
	inhibitors(t, bus, 1)

	set("PreparingForShutdown", true)
	if within := <-shutdowns; within <= 0 || within >= 5*time.Second {
		t.Errorf("logind grants 5 s by default; begins got %v", within)
	}
	inhibitors(t, bus, 1)              // the shutdown waits for us
	set("PreparingForShutdown", false) // the shutdown was canceled,
	addSession(t, mock, "one", testUser, true)
	r.fact(t, task.FactUser, task.Present) // which has been read by now,
	inhibitors(t, bus, 1)                  // and there may be another one
	mock.CallObject(t, logindPath, "org.freedesktop.DBus.Mock.AddProperty", logindManager, "InhibitDelayMaxUSec", dbus.MakeVariant(uint64(20e6)))
	set("PreparingForShutdown", true)
	if within := <-shutdowns; within < 15*time.Second || within >= 20*time.Second {
		t.Errorf("logind grants 20 s; begins got %v", within)
	}
	inhibitors(t, bus, 1)
	if len(shutdowns) != 0 {
		t.Error("a shutdown was reported twice")
	}
	stop()
	inhibitors(t, bus, 0)
}

// inhibitors waits until logind has this many inhibitors.
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

func needPressure(t *testing.T) {
	t.Helper()
	if _, err := os.Stat("/proc/pressure/cpu"); err != nil {
		needs.Missing(t, "pressure stall information", needs.Kernel)
	}
}

// The kernel accepts the triggers, and closing the files ends the goroutine. The
// test cannot say whether this machine is busy.
func TestPressure(t *testing.T) {
	needPressure(t)
	l := startLoad("/", func() {})
	l.stop()
	if l.detail != "" {
		t.Error(l.detail)
	}
}

func TestNoPressure(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // finalizers would close what is left open
	dir := t.TempDir()
	for _, root := range []string{dir, filepath.Join(dir, "none")} {
		before := descriptors(t)
		l := startLoad(root, func() {})
		l.stop()
		if l.detail == "" || l.busy.Load() {
			t.Errorf("without the files: busy %v, %q", l.busy.Load(), l.detail)
		}
		if after := descriptors(t); after != before {
			t.Errorf("%d descriptors are open, %d before", after, before)
		}
	}
}

// descriptors returns the number of open file descriptors.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// The kernel's pressure information makes a machine busy that no user is active
// on.
func TestABusyMachineIsNotIdle(t *testing.T) {
	needPressure(t)
	bus := sourcetest.NewBus(t)
	mock := mockLogind(t, bus)
	mock.Set(t, logindPath, logindManager, map[string]any{"IdleHint": true})
	signaled := make(chan struct{}, 1)
	l := startLoad("/", hints(signaled).give)
	defer l.stop()
	l.busy.Store(false) // forget the initial state, to test the kernel's event
	r, _ := start(t, one("logind", sessionFacts, newLogind(bus.Address, testUser, "/", nil)))

	burning, done := context.WithCancel(t.Context())
	var burners sync.WaitGroup
	for range 4 * runtime.NumCPU() { // more than there are processors, so that some wait
		burners.Go(func() {
			for burning.Err() == nil {
			}
		})
	}
	defer burners.Wait()
	defer done()
	<-signaled
	if !l.busy.Load() {
		t.Error("the kernel signaled pressure, but the machine is not busy")
	}
	r.until(t, "idle=no because the machine is busy", func() bool {
		return r.facts[task.FactIdle].Value == task.No && r.facts[task.FactIdle].Detail == "the machine is busy"
	})
}
