//go:build linux

package source

import (
	"os"
	"testing"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

// Test against the real UPower. This machine may have a battery or not.
func TestRealUPower(t *testing.T) {
	bus := sourcetest.NewBus(t)
	bus.Daemon(t, "upower", "/usr/libexec/upowerd")
	r, _ := start(t, one("UPower", powerFacts, newUPower(bus.Address)))
	r.state(t, "UPower", task.SourceUp)
	r.until(t, "on-ac", func() bool { return r.facts[task.FactOnAC].Value.Known() })
}

// Test against the real NetworkManager in a network namespace: a cable is pulled
// and plugged in again.
func TestRealNetworkManager(t *testing.T) {
	sourcetest.NeedRoot(t)
	if !sourcetest.InNamespace(t) {
		return
	}
	bus := sourcetest.NewBus(t)
	sourcetest.IP(t, "link", "set", "lo", "up")
	sourcetest.IP(t, "link", "add", "up0", "type", "veth", "peer", "name", "far0")
	sourcetest.IP(t, "link", "set", "far0", "up")
	sourcetest.PrivateDirs(t, "/run/NetworkManager", "/var/lib/NetworkManager", "/etc/NetworkManager")
	sourcetest.ReadOnlySys(t) // so that NetworkManager does not wait for udev
	profile := "[connection]\nid=up\ntype=ethernet\ninterface-name=up0\n[ipv4]\nmethod=manual\n" +
		"address1=192.0.2.10/24,192.0.2.1\n[ipv6]\nmethod=disabled\n"
	do(t, os.MkdirAll("/etc/NetworkManager/system-connections", 0o755))
	do(t, os.WriteFile("/etc/NetworkManager/system-connections/up.nmconnection", []byte(profile), 0o600))
	do(t, os.WriteFile("/etc/NetworkManager/NetworkManager.conf", []byte("[main]\nplugins=keyfile\ndns=none\nrc-manager=unmanaged\nauth-polkit=false\n[device]\nmatch-device=*\nmanaged=1\n"), 0o644))
	bus.Daemon(t, "network-manager", "/usr/sbin/NetworkManager", "--no-daemon")
	r, _ := start(t, nm(bus))
	r.fact(t, task.FactInternet, task.Yes)
	t.Logf("%+v", r.facts)
	sourcetest.IP(t, "link", "set", "far0", "down")
	r.fact(t, task.FactInternet, task.No)
	sourcetest.IP(t, "link", "set", "far0", "up")
	r.fact(t, task.FactInternet, task.Yes)
}

// The same against the real systemd-networkd.
func TestRealNetworkd(t *testing.T) {
	sourcetest.NeedRoot(t)
	if !sourcetest.InNamespace(t) {
		return
	}
	bus := sourcetest.NewBus(t)
	sourcetest.IP(t, "link", "set", "lo", "up")
	sourcetest.IP(t, "link", "add", "up0", "type", "veth", "peer", "name", "far0")
	sourcetest.IP(t, "link", "set", "far0", "up")
	sourcetest.PrivateDirs(t, "/run/systemd", "/etc/systemd/network")
	sourcetest.ReadOnlySys(t)
	do(t, os.WriteFile("/etc/systemd/network/up.network", []byte("[Match]\nName=up0\n[Network]\nAddress=192.0.2.10/24\nGateway=192.0.2.1\nLinkLocalAddressing=no\n"), 0o644))
	for _, dir := range []string{"/run/systemd/netif", "/run/systemd/netif/links", "/run/systemd/netif/leases", "/run/systemd/netif/lldp"} {
		do(t, os.Mkdir(dir, 0o777))
		do(t, os.Chmod(dir, 0o777))
	}
	bus.Daemon(t, "systemd", "/lib/systemd/systemd-networkd")
	r, _ := start(t, one("systemd-networkd", networkFacts, newNetworkd(bus.Address)))
	r.fact(t, task.FactInternet, task.Yes)
	t.Logf("%+v", r.facts)
	sourcetest.IP(t, "link", "set", "far0", "down")
	r.fact(t, task.FactInternet, task.No)
	sourcetest.IP(t, "link", "set", "far0", "up")
	r.fact(t, task.FactInternet, task.Yes)
}
