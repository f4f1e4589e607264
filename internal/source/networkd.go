//go:build linux

package source

import (
	"context"

	"github.com/bgtask/bgtask/task"
)

const (
	networkdName    = "org.freedesktop.network1"
	networkdPath    = "/org/freedesktop/network1"
	networkdManager = "org.freedesktop.network1.Manager"
)

// newNetworkd returns the source of systemd-networkd. It knows addresses, but
// neither whether they reach the internet nor what the connection costs.
func newNetworkd(bus string) Source {
	return service{bus: bus, name: networkdName, path: networkdPath, read: readNetworkd, missing: NotHereError{
		Detail: "systemd-networkd is not running",
		Remedy: "enable systemd-networkd.service, unless something else manages the network",
	}}
}

func readNetworkd(ctx context.Context, p *peer) ([]task.Fact, error) {
	all, err := p.properties(ctx, networkdPath, networkdManager)
	if err != nil {
		return nil, err
	}
	if value[string](all, "OnlineState") == "" {
		return nil, p.notHere("systemd-networkd manages no link that is required to be online", "see networkctl")
	}
	return networkdFacts(all), nil
}

// networkdFacts reports internet=yes if OnlineState, which covers only the links
// that networkd manages, is online or partial, and there is a routable address.
// Each alone is not enough: by default a link-local address counts as online, and
// a container bridge counts as routable.
func networkdFacts(all properties) []task.Fact {
	online, operational := value[string](all, "OnlineState"), value[string](all, "OperationalState")
	yes := (online == "online" || online == "partial") && operational == "routable"
	return []task.Fact{
		yesNo(task.FactInternet, yes, online+", "+operational+", not probed"),
		{Name: task.FactMetered, Detail: "systemd-networkd does not know what a connection costs"},
		{Name: task.FactNetwork, Value: joinValue([]string{online, operational,
			value[string](all, "CarrierState"), value[string](all, "AddressState")})},
	}
}
