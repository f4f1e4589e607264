//go:build linux

package source

import (
	"slices"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

// served describes a service on the bus: how a mock plays it, and one fact that
// it changes.
type served struct {
	source func(bus *sourcetest.Bus) Source
	play   func(t *testing.T, bus *sourcetest.Bus) *sourcetest.Mock
	fresh  func(t *testing.T, m *sourcetest.Mock) // called after each start; may be nil
	set    func(t *testing.T, m *sourcetest.Mock, second bool)
	fact   string
	values [2]task.Value // the first, and the second
}

// template plays a template of dbusmock in which one property decides the fact.
func template(template, name, path, property string, values [2]any) (func(*testing.T, *sourcetest.Bus) *sourcetest.Mock, func(*testing.T, *sourcetest.Mock, bool)) {
	play := func(t *testing.T, bus *sourcetest.Bus) *sourcetest.Mock {
		return bus.Template(t, template, name, path, "")
	}
	return play, changes(path, name, property, values)
}

func changes(path, iface, property string, values [2]any) func(*testing.T, *sourcetest.Mock, bool) {
	return func(t *testing.T, m *sourcetest.Mock, second bool) {
		v := values[0]
		if second {
			v = values[1]
		}
		m.Set(t, path, iface, map[string]any{property: v})
	}
}

// bare plays an object with one interface, whose properties have to be added
// after each start.
func bare(name, path, iface string, first map[string]any) (func(*testing.T, *sourcetest.Bus) *sourcetest.Mock, func(*testing.T, *sourcetest.Mock)) {
	return func(t *testing.T, bus *sourcetest.Bus) *sourcetest.Mock { return bus.Object(t, name, path, iface, nil) },
		func(t *testing.T, m *sourcetest.Mock) { m.Properties(t, iface, first) }
}

// servedHere returns all sources that are services on a bus.
func servedHere() map[string]served {
	yesNo := [2]task.Value{task.Yes, task.No}
	all := map[string]served{
		"NetworkManager":   {source: func(b *sourcetest.Bus) Source { return newNetworkManager(b.Address) }, fact: task.FactInternet, values: yesNo},
		"systemd-networkd": {source: func(b *sourcetest.Bus) Source { return newNetworkd(b.Address) }, fact: task.FactInternet, values: yesNo},
		"UPower":           {source: func(b *sourcetest.Bus) Source { return newUPower(b.Address) }, fact: task.FactOnAC, values: yesNo},
		"power profiles":   {source: func(b *sourcetest.Bus) Source { return newPowerProfiles(b.Address) }, fact: task.FactEnergySaver, values: yesNo},
		"old power profiles": {source: func(b *sourcetest.Bus) Source { return newOldPowerProfiles(b.Address) }, fact: task.FactEnergySaver,
			values: yesNo},
		"portal": {source: func(b *sourcetest.Bus) Source { return newPortal(b.Address) }, fact: task.FactEnergySaver, values: yesNo},
		"logind": {source: func(b *sourcetest.Bus) Source { return newLogind(b.Address, testUser, "/none", func(time.Duration) {}) }, fact: task.FactIdle,
			values: yesNo},
	}
	with := func(name string, change func(*served)) {
		s := all[name]
		change(&s)
		all[name] = s
	}
	with("NetworkManager", func(s *served) {
		s.play, s.set = template("networkmanager", nmName, nmPath, "Connectivity", [2]any{uint32(nmFull), uint32(1)})
	})
	with("systemd-networkd", func(s *served) {
		s.play, s.fresh = bare(networkdName, networkdPath, networkdManager, map[string]any{"OnlineState": "online", "OperationalState": "routable"})
		s.set = changes(networkdPath, networkdManager, "OperationalState", [2]any{"routable", "degraded"})
	})
	with("UPower", func(s *served) {
		s.play, s.set = template("upower", upowerName, upowerPath, "OnBattery", [2]any{false, true})
	})
	const newProfiles, newProfilesPath = "org.freedesktop.UPower.PowerProfiles", "/org/freedesktop/UPower/PowerProfiles"
	saver := [2]any{"power-saver", "balanced"}
	with("power profiles", func(s *served) {
		s.play, s.fresh = bare(newProfiles, newProfilesPath, newProfiles, map[string]any{"ActiveProfile": "balanced"})
		s.set = changes(newProfilesPath, newProfiles, "ActiveProfile", saver)
	})
	with("old power profiles", func(s *served) {
		s.play, s.set = template("power_profiles_daemon", "net.hadess.PowerProfiles", "/net/hadess/PowerProfiles", "ActiveProfile", saver)
	})
	with("portal", func(s *served) {
		s.play, s.fresh = bare(portalName, portalPath, portalProfile, map[string]any{"power-saver-enabled": false})
		s.set = changes(portalPath, portalProfile, "power-saver-enabled", [2]any{true, false})
	})
	with("logind", func(s *served) {
		s.play = func(t *testing.T, bus *sourcetest.Bus) *sourcetest.Mock { return mockLogind(t, bus) }
		s.set = changes(logindPath, logindManager, "IdleHint", [2]any{true, false})
	})
	return all
}

func (s served) initialize(t *testing.T, m *sourcetest.Mock) {
	t.Helper()
	if s.fresh != nil {
		s.fresh(t, m)
	}
	s.set(t, m, false)
}

// Each service appears late, dies, comes back, loses its bus and finds it again.
// What it reports then is true.
func TestServicesComeAndGo(t *testing.T) {
	for name, s := range servedHere() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bus := sourcetest.NewBus(t)
			r, _ := start(t, one(name, nil, s.source(bus)))
			r.state(t, name, task.SourceNotHere)
			if s := r.states[name]; s.Detail == "" || s.Remedy == "" {
				t.Errorf("the state does not say what is missing and what to do: %+v", s)
			}
			mock := s.play(t, bus)
			s.initialize(t, mock)
			r.fact(t, s.fact, s.values[0])
			s.set(t, mock, true)
			r.fact(t, s.fact, s.values[1])

			mock.Kill()
			r.state(t, name, task.SourceGone)
			mock.Start(t)
			s.initialize(t, mock)
			r.fact(t, s.fact, s.values[0])

			bus.Stop(t)
			r.state(t, name, task.SourceGone)
			mock.Kill()
			bus.Start(t)
			mock.Start(t)
			s.initialize(t, mock)
			s.set(t, mock, true)
			r.fact(t, s.fact, s.values[1])
			r.state(t, name, task.SourceUp)
		})
	}
}

// A storm of signals to all sources costs no memory, and a change after it is
// noticed by each. TestSignalStorm counts the reads.
func TestStormAtAllServices(t *testing.T) {
	bus := sourcetest.NewBus(t)
	all, mocks := servedHere(), map[string]*sourcetest.Mock{}
	for name, s := range all {
		mocks[name] = s.play(t, bus)
		s.initialize(t, mocks[name])
	}
	conn := bus.Connect(t)
	others := connections(t, conn)
	recorders := map[string]*recorder{}
	for name, s := range all {
		recorders[name], _ = start(t, one(name, nil, s.source(bus)))
		recorders[name].fact(t, s.fact, s.values[0])
	}
	before := heap()
	flood(t, bus, slices.DeleteFunc(connections(t, conn), func(name string) bool { return slices.Contains(others, name) }))
	for name, s := range all {
		s.set(t, mocks[name], true)
		recorders[name].fact(t, s.fact, s.values[1])
	}
	if grown := int64(heap()) - int64(before); grown > 16<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func connections(t *testing.T, conn *dbus.Conn) (names []string) {
	t.Helper()
	if err := conn.BusObject().Call(busName+".ListNames", 0).Store(&names); err != nil {
		t.Fatal(err)
	}
	return names
}

// flood sends a storm of PropertiesChanged signals to connections, as any user of
// the system bus could.
func flood(t *testing.T, bus *sourcetest.Bus, to []string) {
	t.Helper()
	conn, err := dbus.Connect(bus.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for i := range storm {
		m := &dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: dbus.MakeVariant(to[i%len(to)]),
			dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath("/")),
			dbus.FieldInterface:   dbus.MakeVariant("org.freedesktop.DBus.Properties"),
			dbus.FieldMember:      dbus.MakeVariant("PropertiesChanged"),
			dbus.FieldSignature:   dbus.MakeVariant(dbus.ParseSignatureMust("sa{sv}as")),
		}, Body: []any{"some.interface", map[string]dbus.Variant{}, []string{}}}
		if err := conn.Send(m, nil).Err; err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.BusObject().Call(busName+".GetId", 0).Err; err != nil { // everything before has been sent
		t.Fatal(err)
	}
}
