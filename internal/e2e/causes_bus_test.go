//go:build linux

package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

const (
	logindName    = "org.freedesktop.login1"
	logindPath    = "/org/freedesktop/login1"
	logindManager = logindName + ".Manager"
	upowerName    = "org.freedesktop.UPower"
	upowerPath    = "/org/freedesktop/UPower"
)

// busWorld returns a world with its own system bus and no broker yet.
func busWorld(t *testing.T, config string) (*world, *sourcetest.Bus) {
	t.Helper()
	bus := sourcetest.NewBus(t)
	w := newWorld(t, config)
	w.extra = []string{"DBUS_SYSTEM_BUS_ADDRESS=" + bus.Address}
	return w, bus
}

// logind starts a mock of logind with one session of the user in the foreground.
func playLogind(t *testing.T, bus *sourcetest.Bus) (mock *sourcetest.Mock, set func(name string, v any)) {
	t.Helper()
	mock = bus.Template(t, "logind", logindName, logindPath, "")
	mock.Call(t, "AddSession", "one", "seat0", uint32(os.Getuid()), "user", true)
	return mock, func(name string, v any) {
		mock.Set(t, logindPath+"/session/one", logindName+".Session", map[string]any{name: v})
	}
}

func TestTheUserComesAndGoes(t *testing.T) {
	t.Parallel()
	w, bus := busWorld(t, "")
	_, set := playLogind(t, bus)
	w.start()
	present, away := w.add("present", record, "--on", "user-present"), w.add("away", record, "--on", "user-away")
	held := w.add("held", record, "--on", "event:go", "--when", "user-away")
	e := w.watch()
	w.awaitFact(task.FactUser, task.Present) // the first value is not an edge
	w.do("raise", "go")
	e.phase(0, held, task.Held)

	set("LockedHint", true)
	for _, id := range []task.GUID{away, held} {
		if run := e.ends(0, id); run.Outcome != task.Completed {
			t.Errorf("%s ended %v: %s", run.Name, run.Outcome, run.Text)
		}
	}
	set("LockedHint", false)
	if run := e.ends(0, present); run.Outcome != task.Completed {
		t.Errorf("%s ended %v: %s", run.Name, run.Outcome, run.Text)
	}
	for _, id := range []task.GUID{present, away} {
		if n := w.info(id).Counts.Runs; n != 1 {
			t.Errorf("%d runs of one edge", n)
		}
	}
	if !slices.Contains(w.reported(), task.Details(task.SystemTriggerDetails{Type: task.OnUserPresent, Old: task.Away, New: task.Present})) {
		t.Errorf("the commands got %+v", w.reported())
	}
}

// A machine that shuts down waits for the runs, which learn why they end. This holds as
// well if logind came late or if the bus was gone for a while.
func TestAShutdown(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(*testing.T, *world, *sourcetest.Bus) *sourcetest.Mock{
		"logind was there": func(t *testing.T, w *world, bus *sourcetest.Bus) *sourcetest.Mock {
			mock, _ := playLogind(t, bus)
			w.start()
			return mock
		},
		"logind comes late": func(t *testing.T, w *world, bus *sourcetest.Bus) *sourcetest.Mock {
			w.start()
			w.awaitSource("logind", task.SourceNotHere)
			mock, _ := playLogind(t, bus)
			return mock
		},
		"the bus was gone": func(t *testing.T, w *world, bus *sourcetest.Bus) *sourcetest.Mock {
			mock, _ := playLogind(t, bus)
			w.start()
			w.awaitSource("logind", task.SourceUp)
			bus.Stop(t)
			w.awaitSource("logind", task.SourceGone)
			mock.Kill()
			bus.Start(t)
			mock.Start(t)
			return mock
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, bus := busWorld(t, "")
			shutsDown(t, w, bus, before(t, w, bus))
		})
	}
}

func shutsDown(t *testing.T, w *world, bus *sourcetest.Bus, mock *sourcetest.Mock) {
	broker := w.start()
	conn := bus.Connect(t)
	awaitLocks(t, conn, 1)
	id := w.add("long", `[ $BGTASK_ATTEMPT = 1 ] || exit 0; trap 'read line <"$HOME/gate"; exit 0' TERM; echo ready >"$HOME/ready"; while :; do sleep 1000 & wait $!; done`, "--on", "event:go")
	e := w.watch()
	w.gate("ready")
	w.gate("gate")
	w.do("raise", "go")
	if _, err := os.ReadFile(w.path("ready")); err != nil { // the trap is set
		t.Fatal(err)
	}
	mock.Set(t, logindPath, logindManager, map[string]any{"PreparingForShutdown": true})
	mock.CallObject(t, logindPath, "org.freedesktop.DBus.Mock.EmitSignal", logindManager, "PrepareForShutdown", "b", []any{dbus.MakeVariant(true)})
	e.phase(0, id, task.Canceling)
	awaitLocks(t, conn, 1) // the machine waits as long as the run does
	w.opens("gate")
	if run := e.ends(0, id); run.Outcome != task.Canceled || run.Reason != task.ReasonTerminating {
		t.Errorf("it ended %v, %v", run.Outcome, run.Reason)
	}
	if end := broker.wait(t); end != "" {
		t.Errorf("the broker ended with %s", end)
	}
	awaitLocks(t, conn, 0)

	mock.Set(t, logindPath, logindManager, map[string]any{"PreparingForShutdown": false}) // the next boot
	i := e.mark()
	w.start()
	if run := e.ends(i, id); run.Attempt != 2 || run.Outcome != task.Completed {
		t.Errorf("the next broker's attempt %d ended %v", run.Attempt, run.Outcome)
	}
}

// awaitLocks waits until logind has this many delay locks.
func awaitLocks(t *testing.T, conn *dbus.Conn, want int) {
	t.Helper()
	eventually(t, "logind has the expected number of delay locks", func() bool {
		var list []struct {
			What, Who, Why, Mode string
			UID, PID             uint32
		}
		if err := conn.Object(logindName, logindPath).Call(logindManager+".ListInhibitors", 0).Store(&list); err != nil {
			t.Fatal(err)
		}
		return len(list) == want
	})
}

// Maintenance runs on AC only. Losing AC aborts it, and it is held again.
func TestMaintenanceWithoutAC(t *testing.T) {
	t.Parallel()
	w, bus := busWorld(t, "min_freshness = \"1s\"\n")
	upower := bus.Template(t, "upower", upowerName, upowerPath, "")
	onBattery := func(yes bool) { upower.Set(t, upowerPath, upowerName, map[string]any{"OnBattery": yes}) }
	onBattery(true)
	w.start()
	w.awaitFact(task.FactOnAC, task.No)
	spec := task.Spec{Name: "clean", EntryPoint: task.CommandClass, Trigger: task.MaintenanceTrigger{Freshness: time.Second},
		Command: &task.Command{Path: "/bin/sh", Args: []string{"-c", hang}, Dir: w.dir}}
	done, err := w.user.Register(w.context(), spec, client.Registering{Package: task.CommandPackage})
	if err != nil {
		t.Fatal(err)
	}
	id := done.TaskID
	e := w.watch()
	e.phase(0, id, task.Held)
	if n := w.info(id).Counts.Runs; n != 0 {
		t.Errorf("%d runs on battery", n)
	}
	onBattery(false)
	e.runs(0, id)
	i := e.mark()
	onBattery(true)
	if run := e.ends(i, id); run.Outcome != task.Canceled || run.Reason != task.ReasonAbort {
		t.Errorf("it ended %v, %v", run.Outcome, run.Reason)
	}
	e.phase(i, id, task.Held)
	if n := w.info(id).State.Waiting; n == 0 {
		t.Error("the aborted task does not wait")
	}
}

// The death of a service makes no fact wrong. Its facts keep their values for a while;
// then they are unknown, or another source reports them. The broker listens to the
// service again when it is back.
func TestAServiceThatDies(t *testing.T) {
	t.Parallel()
	w, bus := busWorld(t, "")
	logind, set := playLogind(t, bus)
	upower := bus.Template(t, "upower", upowerName, upowerPath, "")
	upower.Set(t, upowerPath, upowerName, map[string]any{"OnBattery": true})
	w.start()
	w.awaitFact(task.FactUser, task.Present)
	w.awaitFact(task.FactOnAC, task.No)
	edge := w.add("edge", record, "--on", "user-away")
	held := w.add("held", record, "--on", "event:go", "--when", "user-present")
	e := w.watch()

	died := time.Now()
	logind.Kill()
	upower.Kill()
	w.awaitSource("logind", task.SourceGone)
	eventually(t, "the user fact is unknown", func() bool { return w.fact(task.FactUser).Value == task.Unknown })
	if took := time.Since(died); took < task.SourceGrace/2 {
		t.Errorf("the user was unknown after %v", took)
	}
	eventually(t, "the kernel reports the power supply", func() bool { f := w.fact(task.FactOnAC); return f.Source == "power_supply" && f.Value.Known() })
	w.do("raise", "go")
	e.phase(0, held, task.Held)
	if why := w.do("why", "held"); !strings.Contains(why, "UserPresent is unsure") || !strings.Contains(why, "source gone") {
		t.Errorf("why says:\n%s", why)
	}
	if said, _, code := w.bgtask("doctor"); code == 0 || !strings.Contains(said, "UserPresent and UserNotPresent stay unsure (edge, held)") {
		t.Errorf("doctor says:\n%s", said)
	}

	logind.Start(t)
	logind.Call(t, "AddSession", "one", "seat0", uint32(os.Getuid()), "user", true)
	set("LockedHint", false) // which emits a signal, as logind's SessionNew would
	if run := e.ends(0, held); run.Outcome != task.Completed {
		t.Errorf("it ended %v: %s", run.Outcome, run.Text)
	}
	if n := w.info(edge).Counts.Runs; n != 0 {
		t.Errorf("present, unknown, present is not an edge, but there were %d runs", n)
	}
}
