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

// newNetworkd knows addresses, and neither the internet behind them nor what it
// costs.
func newNetworkd(bus string) Source {
	return service{bus: bus, name: networkdName, path: networkdPath, read: readNetworkd, missing: NotHere{
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

// networkdFacts asks for OnlineState, which is about the links that networkd
// manages, and for a routable address: by default a link-local one counts as
// online, and a bridge of containers as routable.
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
