//go:build linux

package source

import (
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

func mockNM(t *testing.T, bus *sourcetest.Bus) *sourcetest.Mock {
	m := bus.Template(t, "networkmanager", nmName, nmPath, "")
	m.CallObject(t, nmPath, "org.freedesktop.DBus.Mock.AddProperty", nmName, "Metered", dbus.MakeVariant(uint32(0)))
	m.CallObject(t, nmPath, "org.freedesktop.DBus.Mock.AddProperty", nmName, "PrimaryConnection", dbus.MakeVariant(dbus.ObjectPath("/")))
	return m
}

func nm(bus *sourcetest.Bus) Chain {
	return one("NetworkManager", networkFacts, newNetworkManager(bus.Address))
}

func TestNetworkManager(t *testing.T) {
	bus := sourcetest.NewBus(t)
	mock := mockNM(t, bus)
	set := func(name string, v any) { mock.Set(t, nmPath, nmName, map[string]any{name: v}) }
	set("Connectivity", uint32(nmFull))
	r, _ := start(t, nm(bus))
	r.fact(t, task.FactInternet, task.Yes)
	r.state(t, "NetworkManager", task.SourceUp)

	before := r.facts[task.FactNetwork].Value
	set("Connectivity", uint32(3))
	r.fact(t, task.FactInternet, task.No)
	if got := r.detail(task.FactInternet); got != "limited" {
		t.Errorf("detail %q", got)
	}
	if r.facts[task.FactNetwork].Value == before {
		t.Errorf("the network fact did not change: %s", before)
	}
	set("Metered", uint32(3))
	r.fact(t, task.FactMetered, task.Yes)
	set("Metered", uint32(4))
	r.fact(t, task.FactMetered, task.No)
	set("Metered", uint32(0))
	r.fact(t, task.FactMetered, task.Unknown)
	set("State", uint32(20))
	r.fact(t, task.FactMetered, task.None)
	set("State", uint32(nmGlobal))
	r.fact(t, task.FactMetered, task.Unknown)
	mock.CallObject(t, nmPath, "org.freedesktop.DBus.Properties.Set", nmName, "PrimaryConnection",
		dbus.MakeVariant(dbus.ObjectPath("/org/freedesktop/NetworkManager/ActiveConnection/7")))
	r.fact(t, task.FactNetwork, "connected, limited, 7")
}

// Where something else manages the devices, NetworkManager wrongly says
// "disconnected".
func TestNetworkManagerManagesNothing(t *testing.T) {
	bus := sourcetest.NewBus(t)
	mock := mockNM(t, bus)
	mock.Call(t, "AddEthernetDevice", "eth0", "eth0", uint32(10))
	dev := "/org/freedesktop/NetworkManager/Devices/eth0"
	mock.Set(t, dev, nmName+".Device", map[string]any{"Managed": false})
	r, _ := start(t, nm(bus))
	r.state(t, "NetworkManager", task.SourceNotHere)
	mock.Set(t, dev, nmName+".Device", map[string]any{"Managed": true})
	r.state(t, "NetworkManager", task.SourceUp)
}

// There may be no bus at all, as in a small container.
func TestNoBus(t *testing.T) {
	r, _ := start(t, one("NetworkManager", networkFacts, newNetworkManager("unix:path="+t.TempDir()+"/none")),
		one("portal", saverFacts, newPortal("")))
	r.state(t, "NetworkManager", task.SourceNotHere)
	r.state(t, "portal", task.SourceNotHere)
}

func TestNetworkd(t *testing.T) {
	bus := sourcetest.NewBus(t)
	mock := bus.Object(t, networkdName, networkdPath, networkdManager, map[string]any{
		"OnlineState": "", "OperationalState": "carrier", "CarrierState": "carrier", "AddressState": "off"})
	set := func(online, operational string) {
		mock.Set(t, networkdPath, networkdManager, map[string]any{"OnlineState": online, "OperationalState": operational})
	}
	r, _ := start(t, one("systemd-networkd", networkFacts, newNetworkd(bus.Address)))
	r.state(t, "systemd-networkd", task.SourceNotHere) // it manages nothing
	set("online", "routable")
	r.fact(t, task.FactInternet, task.Yes)
	r.fact(t, task.FactMetered, task.Unknown)
	set("online", "degraded") // a link-local address only
	r.fact(t, task.FactInternet, task.No)
	set("partial", "routable")
	r.fact(t, task.FactInternet, task.Yes)
	set("offline", "routable") // a bridge of containers
	r.fact(t, task.FactInternet, task.No)
}
