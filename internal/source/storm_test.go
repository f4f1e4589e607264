//go:build linux

package source

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

// fakeUPower is a UPower that can send signals faster than dbusmock.
type fakeUPower struct {
	mu      sync.Mutex
	percent float64
	reads   int
	reader  string // the unique name of the source
}

func (f *fakeUPower) GetAll(iface string, sender dbus.Sender) (map[string]dbus.Variant, *dbus.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reader = string(sender)
	if iface != upowerDevice {
		return map[string]dbus.Variant{"OnBattery": dbus.MakeVariant(false)}, nil
	}
	f.reads++
	return map[string]dbus.Variant{"IsPresent": dbus.MakeVariant(true), "State": dbus.MakeVariant(uint32(2)),
		"Percentage": dbus.MakeVariant(f.percent)}, nil
}

func (f *fakeUPower) set(percent float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.percent = percent
}

func serveUPower(t *testing.T, conn *dbus.Conn) *fakeUPower {
	t.Helper()
	f := &fakeUPower{}
	for _, path := range []dbus.ObjectPath{upowerPath, upowerDisplay} {
		if err := conn.Export(f, path, "org.freedesktop.DBus.Properties"); err != nil {
			t.Fatal(err)
		}
	}
	if reply, err := conn.RequestName(upowerName, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatal(reply, err)
	}
	return f
}

const storm = 100_000

// A service that sends signals without pause costs few reads and no memory, and
// the last value is right.
func TestSignalStorm(t *testing.T) {
	bus := sourcetest.NewBus(t)
	conn := bus.Connect(t)
	f := serveUPower(t, conn)
	r, _ := start(t, one("UPower", powerFacts, newUPower(bus.Address)))
	r.fact(t, task.FactBattery, "0%")
	before, began := heap(), time.Now()
	for i := range storm {
		f.set(float64(i % 100))
		if err := conn.Emit(upowerDisplay, "org.freedesktop.DBus.Properties.PropertiesChanged", upowerDevice,
			map[string]dbus.Variant{"Percentage": dbus.MakeVariant(float64(i % 100))}, []string{}); err != nil {
			t.Fatal(err)
		}
	}
	f.set(100)
	if err := conn.Emit(upowerDisplay, "org.freedesktop.DBus.Properties.PropertiesChanged", upowerDevice,
		map[string]dbus.Variant{}, []string{}); err != nil {
		t.Fatal(err)
	}
	r.fact(t, task.FactBattery, "100%")
	f.mu.Lock()
	defer f.mu.Unlock()
	if most := int(time.Since(began)/readEvery) + 3; f.reads > most {
		t.Errorf("%d reads, want at most %d", f.reads, most)
	}
	if grown := int64(heap()) - int64(before); grown > 16<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// The system bus lets any user send a signal straight to us. It may cause a read,
// but cannot change a fact.
func TestForgedSignals(t *testing.T) {
	bus := sourcetest.NewBus(t)
	f := serveUPower(t, bus.Connect(t))
	r, _ := start(t, one("UPower", powerFacts, newUPower(bus.Address)))
	r.fact(t, task.FactOnAC, task.Yes)
	f.mu.Lock()
	target := f.reader
	f.mu.Unlock()
	stranger := bus.Connect(t)
	for range 100 {
		forged := &dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
			dbus.FieldDestination: dbus.MakeVariant(target),
			dbus.FieldPath:        dbus.MakeVariant(dbus.ObjectPath(upowerPath)),
			dbus.FieldInterface:   dbus.MakeVariant("org.freedesktop.DBus.Properties"),
			dbus.FieldMember:      dbus.MakeVariant("PropertiesChanged"),
			dbus.FieldSignature:   dbus.MakeVariant(dbus.ParseSignatureMust("sa{sv}as")),
		}, Body: []any{upowerName, map[string]dbus.Variant{"OnBattery": dbus.MakeVariant(true)}, []string{}}}
		if err := stranger.Send(forged, nil).Err; err != nil {
			t.Fatal(err)
		}
	}
	f.set(1) // a real change without a signal: the forged hint makes it visible
	r.fact(t, task.FactBattery, "1%")
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, entry := range r.log {
		if entry == "on-ac=no" {
			t.Error("a forged signal was believed")
		}
	}
}
