//go:build linux

package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

const (
	nmName       = "org.freedesktop.NetworkManager"
	nmPath       = "/org/freedesktop/NetworkManager"
	profilesName = "net.hadess.PowerProfiles"
	profilesPath = "/net/hadess/PowerProfiles"
)

// services are those of a laptop, all on one bus. Its user is active, the network is
// unmetered, and the laptop is on AC with half a battery.
type services struct {
	t                                   *testing.T
	logind, network, upower, profiles   *sourcetest.Mock
	session, manager, net, power, saver func(name string, v any)
}

func playServices(t *testing.T, bus *sourcetest.Bus) *services {
	t.Helper()
	s := &services{t: t}
	s.logind, s.session = playLogind(t, bus)
	s.upower = bus.Template(t, "upower", upowerName, upowerPath, "")
	s.network = bus.Template(t, "networkmanager", nmName, nmPath, "")
	s.network.Properties(t, nmName, map[string]any{"Metered": uint32(2), "PrimaryConnection": dbus.ObjectPath(nmPath + "/ActiveConnection/1")})
	s.profiles = bus.Template(t, "power_profiles_daemon", profilesName, profilesPath, "")
	setter := func(m *sourcetest.Mock, path, iface string) func(string, any) {
		return func(name string, v any) { t.Helper(); m.Set(t, path, iface, map[string]any{name: v}) }
	}
	s.manager = setter(s.logind, logindPath, logindManager)
	s.net = setter(s.network, nmPath, nmName)
	s.power = setter(s.upower, upowerPath, upowerName)
	s.saver = setter(s.profiles, profilesPath, profilesName)
	s.saver("ActiveProfile", "balanced")
	s.net("Connectivity", uint32(4))
	s.battery(2, 50)
	return s
}

// battery sets UPower's state (2: discharging, 4: full) and the charge in percent.
func (s *services) battery(state uint32, charge float64) {
	s.t.Helper()
	s.upower.Call(s.t, "SetupDisplayDevice", uint32(2), state, charge, 50.0, 60.0, 1.0, int64(0), int64(0), true, "", uint32(1))
	s.upower.CallObject(s.t, upowerPath+"/devices/DisplayDevice", "org.freedesktop.DBus.Mock.EmitSignal", "org.freedesktop.DBus.Properties",
		"PropertiesChanged", "sa{sv}as", []any{dbus.MakeVariant(upowerName + ".Device"), dbus.MakeVariant(map[string]dbus.Variant{}), dbus.MakeVariant([]string{})})
}

// laptopWorld returns a world with all those services, on a machine that is never under
// pressure. Its second result is false outside of the test's namespace.
func laptopWorld(t *testing.T) (*world, *services, bool) {
	t.Helper()
	if !sourcetest.InNamespace(t) {
		return nil, nil, false
	}
	sourcetest.PrivateDirs(t, "/run", "/proc/pressure")
	w, bus := busWorld(t, "")
	s := playServices(t, bus)
	w.start()
	w.awaitFact(task.FactInternet, task.Yes)
	w.awaitFact(task.FactBattery, "50%")
	w.awaitFact(task.FactUser, task.Present)
	w.awaitFact(task.FactEnergySaver, task.No)
	return w, s, true
}

// elsewhere lists the types of system triggers that other tests fire.
var elsewhere = map[task.SystemTriggerType]func(*testing.T){
	task.OnTimeZoneChange:    TestTheTimeZoneChanges,
	task.OnServicingComplete: TestPackagesOfTheSystem,
}

// Each supported type of system trigger is fired by its cause.
func TestEverySystemTrigger(t *testing.T) {
	t.Parallel()
	w, s, inside := laptopWorld(t)
	if !inside {
		return
	}
	causes := map[task.SystemTriggerType]struct {
		before, cause func() // before is not an edge of the type
		fact          string
		old, now      task.Value
	}{
		task.OnUserAway:                 {nil, func() { s.session("LockedHint", true) }, task.FactUser, task.Present, task.Away},
		task.OnUserPresent:              {func() { s.session("LockedHint", true) }, func() { s.session("LockedHint", false) }, task.FactUser, task.Away, task.Present},
		task.OnSessionConnected:         {func() { s.session("Active", false) }, func() { s.session("Active", true) }, task.FactSession, task.Disconnected, task.Connected},
		task.OnInternetAvailable:        {func() { s.net("Connectivity", uint32(1)) }, func() { s.net("Connectivity", uint32(4)) }, task.FactInternet, task.No, task.Yes},
		task.OnNetworkStateChange:       {nil, func() { s.net("Metered", uint32(1)) }, task.FactNetwork, "connected, full connectivity, not metered, 1", "connected, full connectivity, metered, 1"},
		task.OnBackgroundWorkCostChange: {func() { s.session("LockedHint", false); w.awaitFact(task.FactUser, task.Present) }, func() { s.power("OnBattery", true) }, task.FactWorkCost, task.Low, task.Medium},
		task.OnPowerStateChange:         {nil, func() { s.battery(4, 100) }, task.FactPower, "discharging", "idle"},
	}
	e := w.watch()
	for _, row := range task.SystemTriggerTypes() {
		c, ok := causes[row.Type]
		if !row.Supported || elsewhere[row.Type] != nil {
			continue
		}
		if !ok {
			t.Errorf("%s is supported, and this test has no cause for it", row.Name)
			continue
		}
		if c.before != nil {
			c.before()
		}
		w.awaitFact(c.fact, c.old)
		id := w.add("on-"+row.Word, record, "--on", row.Word)
		c.cause()
		if run := e.ends(0, id); run.Outcome != task.Completed {
			t.Errorf("%s ended %v: %s", run.Name, run.Outcome, run.Text)
		}
		all := w.reported()
		if want := (task.SystemTriggerDetails{Type: row.Type, Old: c.old, New: c.now}); all[len(all)-1] != task.Details(want) {
			t.Errorf("the command got %+v, not %+v", all[len(all)-1], want)
		}
		w.do("remove", "on-"+row.Word)
	}
}

// Each condition holds a task back, names the reason, and lets the task go when its
// cause ends.
func TestEveryCondition(t *testing.T) {
	t.Parallel()
	w, s, inside := laptopWorld(t)
	if !inside {
		return
	}
	user := func(away bool) func() { return func() { s.session("LockedHint", away) } }
	internet := func(connectivity uint32) func() { return func() { s.net("Connectivity", connectivity) } }
	session := func(active bool) func() { return func() { s.session("Active", active) } }
	onBattery := func(yes bool) func() { return func() { s.power("OnBattery", yes) } }
	causes := map[task.SystemCondition]struct {
		fails  func()
		fact   string
		value  task.Value
		source string // which why names
		holds  func()
	}{
		task.UserPresent:               {user(true), task.FactUser, task.Away, "logind: locked", user(false)},
		task.UserNotPresent:            {user(false), task.FactUser, task.Present, "logind", user(true)},
		task.InternetAvailable:         {internet(2), task.FactInternet, task.No, "NetworkManager: captive portal", internet(4)},
		task.InternetNotAvailable:      {internet(4), task.FactInternet, task.Yes, "NetworkManager: full connectivity", internet(1)},
		task.SessionConnected:          {session(false), task.FactSession, task.Disconnected, "logind", session(true)},
		task.SessionDisconnected:       {session(true), task.FactSession, task.Connected, "logind", session(false)},
		task.FreeNetworkAvailable:      {func() { internet(4)(); s.net("Metered", uint32(1)) }, task.FactMetered, task.Yes, "NetworkManager: metered", func() { s.net("Metered", uint32(2)) }},
		task.BackgroundWorkCostNotHigh: {func() { user(true)(); onBattery(true)() }, task.FactWorkCost, task.High, "UPower", onBattery(false)},
		task.ACPower:                   {onBattery(true), task.FactOnAC, task.No, "UPower", onBattery(false)},
		task.BatteryNotLow:             {func() { s.battery(2, 10) }, task.FactBattery, "10%", "UPower", func() { s.battery(2, 80) }},
		task.DeviceIdle:                {func() { s.manager("IdleHint", false) }, task.FactIdle, task.No, "logind: a user is active", func() { s.manager("IdleHint", true) }},
		task.EnergySaverOff:            {func() { s.saver("ActiveProfile", "power-saver") }, task.FactEnergySaver, task.Yes, "profile power-saver", func() { s.saver("ActiveProfile", "balanced") }},
	}
	if n := len(task.SystemConditions()); n != len(causes)+1 { // and TestStorageThatIsLow
		t.Errorf("task.SystemConditions has %d rows, and this test has causes for %d. Add the missing one to causes in internal/e2e/causes_every_test.go", n, len(causes)+1)
	}
	e := w.watch()
	for _, condition := range slices.Sorted(maps.Keys(causes)) {
		c, row := causes[condition], rowOf(condition)
		id := w.add("when-"+row.Word, record, "--on", "event:"+row.Word, "--when", row.Word)
		c.fails()
		w.awaitFact(c.fact, c.value)
		w.do("raise", row.Word)
		e.phase(0, id, task.Held)
		if why := w.do("why", "when-"+row.Word); !strings.Contains(why, row.Name+" fails") || !strings.Contains(why, c.source) {
			t.Errorf("why does not name %s and %q:\n%s", row.Name, c.source, why)
		}
		c.holds()
		if run := e.ends(0, id); run.Outcome != task.Completed {
			t.Errorf("%s ended %v: %s", run.Name, run.Outcome, run.Text)
		}
		w.do("remove", "when-"+row.Word)
	}
}

func rowOf(c task.SystemCondition) task.ConditionRow {
	all := task.SystemConditions()
	return all[slices.IndexFunc(all, func(r task.ConditionRow) bool { return r.Condition == c })]
}

// The broker's own file system is full, and later has room again.
func TestStorageThatIsLow(t *testing.T) {
	t.Parallel()
	w, inside := nsWorld(t)
	if !inside {
		return
	}
	if err := os.MkdirAll(w.state(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", w.state(), "tmpfs", 0, "size=256m,mode=700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(w.state(), syscall.MNT_DETACH) })
	full := filepath.Join(w.state(), "full")
	if err := os.WriteFile(full, make([]byte, 250<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	w.start()
	id := w.add("index", record, "--on", "event:go", "--when", "storage-ok")
	e := w.watch()
	w.awaitFact(task.FactStorageLow, task.Yes)
	w.do("raise", "go")
	e.phase(0, id, task.Held)
	if why := w.do("why", "index"); !strings.Contains(why, "StorageNotLow fails") || !strings.Contains(why, "less than 12 MiB free") {
		t.Errorf("why says:\n%s", why)
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	const within = 3 * time.Minute // the broker checks once a minute
	for end := time.Now().Add(within); w.info(id).Counts.ByOutcome[task.Completed] == 0; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("there is room again, but the task does not run:\n%s", w.do("why", "index"))
		}
	}
}

// A timer fires on the grid of its interval, and a calendar at its instants, each once.
func TestTheClock(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		when  []string
		grid  time.Duration
		whole bool // the grid is that of the wall clock; otherwise it starts at registration
		runs  int
	}{
		"interval": {[]string{"--every", "2s"}, 2 * time.Second, false, 3},
		"calendar": {[]string{"--calendar", "*:*:0/2 UTC"}, 2 * time.Second, true, 3},
		"cron":     {[]string{"--calendar", "* * * * *"}, time.Minute, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startWorld(t, "min_freshness = \"1s\"\n")
			id := w.add(name, record, c.when...)
			eventually(t, "the task has run", func() bool { return w.info(id).Counts.ByOutcome[task.Completed] >= c.runs })
			w.do("remove", name)
			var last time.Time
			for _, details := range w.reported() {
				due := details.(task.TimeTriggerDetails).Due
				switch {
				case due.After(time.Now()):
					t.Errorf("it ran before it was due, at %v", due)
				case !last.IsZero() && (!due.After(last) || due.Sub(last).Round(10*time.Millisecond)%c.grid != 0), c.whole && !due.Truncate(c.grid).Equal(due):
					t.Errorf("it was due at %v, and then at %v", last, due)
				}
				last = due
			}
		})
	}
}

// Each supported trigger class has a test in which its real cause fires the real
// binary.
func TestEveryTriggerHasACause(t *testing.T) {
	causes := map[string]func(*testing.T){
		"ApplicationTrigger":                  TestStorm,
		"CalendarTrigger":                     TestTheClock,
		"CustomSystemEventTrigger":            TestAnEventThatIsRaised,
		"DeviceWatcherTrigger":                TestADeviceComesAndGoes,
		"MaintenanceTrigger":                  TestMaintenanceWithoutAC,
		"PushNotificationTrigger":             TestAPushMessage,
		"SocketActivityTrigger":               TestConnectionsOnASocket,
		"StorageLibraryContentChangedTrigger": TestAFileThatChanges,
		"SystemTrigger":                       TestEverySystemTrigger,
		"TimeTrigger":                         TestTheClock,
		"ToastNotificationActionTrigger":      TestAToast,
	}
	for _, row := range task.TriggerClasses() {
		if row.Support == task.Supported && causes[row.Class] == nil {
			t.Errorf("%s is supported, and no test fires it", row.Class)
		}
	}
}
