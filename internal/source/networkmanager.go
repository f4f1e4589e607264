//go:build linux

package source

import (
	"context"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/task"
)

const (
	nmName = "org.freedesktop.NetworkManager"
	nmPath = "/org/freedesktop/NetworkManager"
)

// networkFacts are the facts that every network source reports.
var networkFacts = []string{task.FactInternet, task.FactMetered, task.FactNetwork}

// newNetworkManager returns the source of NetworkManager. It knows the cost, and
// also connectivity if NetworkManager's own check is enabled.
func newNetworkManager(bus string) Source {
	return service{bus: bus, name: nmName, path: nmPath, read: readNM, missing: NotHereError{
		Detail: "NetworkManager is not running",
		Remedy: "install network-manager",
	}}
}

func readNM(ctx context.Context, p *peer) ([]task.Fact, error) {
	all, err := p.properties(ctx, nmPath, nmName)
	if err != nil {
		return nil, err
	}
	if primary := value[dbus.ObjectPath](all, "PrimaryConnection"); primary == "/" || primary == "" {
		if err := nmServes(ctx, p, value[[]dbus.ObjectPath](all, "Devices")); err != nil {
			return nil, err
		}
	}
	return nmFacts(all), nil
}

// nmServes returns a NotHereError error if NetworkManager does not manage any device.
// In that case (ifupdown, systemd-networkd) it reports "disconnected" although
// the machine is online.
func nmServes(ctx context.Context, p *peer, devices []dbus.ObjectPath) error {
	const loopback = 32
	real := 0
	for _, d := range devices {
		dev, err := p.properties(ctx, string(d), nmName+".Device")
		if isDBusError(err, "org.freedesktop.DBus.Error.UnknownMethod", "org.freedesktop.DBus.Error.UnknownObject") {
			continue // unplugged in the meantime
		}
		if err != nil {
			return err
		}
		if value[uint32](dev, "DeviceType") == loopback {
			continue
		}
		if managed, ok := get[bool](dev, "Managed"); managed || !ok {
			return nil
		}
		real++
	}
	if real == 0 {
		return nil
	}
	return p.notHere("NetworkManager does not manage any device", "check 'nmcli device'; to let it manage devices, set managed=true in NetworkManager.conf")
}

// Texts for the values of NMState, NMConnectivityState and NMMetered in
// NetworkManager's D-Bus interface.
var (
	nmStates = map[uint32]string{nmAsleep: "asleep", 20: "disconnected", 30: "disconnecting", 40: "connecting",
		nmLocal: "connected locally", 60: "connected to the site", nmGlobal: "connected"}
	nmConnectivity = map[uint32]string{1: "no connectivity", 2: "captive portal", 3: "limited", nmFull: "full connectivity"}
	nmMetered      = map[uint32]string{1: "metered", 2: "not metered", 3: "metered (guessed)", 4: "not metered (guessed)"}
)

const (
	nmAsleep = 10 // NM_STATE_ASLEEP
	nmLocal  = 50 // NM_STATE_CONNECTED_LOCAL; this and all higher states have a connection
	nmGlobal = 70 // NM_STATE_CONNECTED_GLOBAL
	nmFull   = 4  // NM_CONNECTIVITY_FULL
)

func nmFacts(all properties) []task.Fact {
	primary := value[dbus.ObjectPath](all, "PrimaryConnection")
	kind := value[string](all, "PrimaryConnectionType")
	network := []string{nmStates[value[uint32](all, "State")], nmConnectivity[value[uint32](all, "Connectivity")],
		nmMetered[value[uint32](all, "Metered")], kind, string(primary[strings.LastIndexByte(string(primary), '/')+1:])}
	return []task.Fact{
		nmInternet(value[uint32](all, "State"), value[uint32](all, "Connectivity")),
		nmCost(value[uint32](all, "Metered"), value[uint32](all, "State")),
		{Name: task.FactNetwork, Value: joinValue(network)},
	}
}

// nmInternet uses the result of the connectivity check, or the state if the check
// is disabled.
func nmInternet(state, connectivity uint32) task.Fact {
	if detail, ok := nmConnectivity[connectivity]; ok {
		return yesNo(task.FactInternet, connectivity == nmFull, detail)
	}
	detail, ok := nmStates[state]
	if !ok {
		return task.Fact{Name: task.FactInternet, Detail: fmt.Sprintf("NetworkManager is in an unknown state (%d)", state)}
	}
	return yesNo(task.FactInternet, state == nmGlobal, detail+", not probed")
}

// nmCost returns None without a connection: then the cost is not unknown, there
// just is none.
func nmCost(metered, state uint32) task.Fact {
	detail, ok := nmMetered[metered]
	switch {
	case !ok && state >= nmAsleep && state < nmLocal:
		return task.Fact{Name: task.FactMetered, Value: task.None}
	case !ok:
		return task.Fact{Name: task.FactMetered, Detail: "NetworkManager does not know what the connection costs"}
	}
	return yesNo(task.FactMetered, metered == 1 || metered == 3, detail)
}

// joinValue joins the nonempty words to one value.
func joinValue(words []string) task.Value {
	var known []string
	for _, w := range words {
		if w != "" {
			known = append(known, w)
		}
	}
	if len(known) == 0 {
		return task.None
	}
	v := strings.Join(known, ", ")
	return task.Value(v[:min(len(v), task.MaxFactValue)])
}
