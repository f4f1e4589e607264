//go:build linux

package source

import (
	"net"
	"testing"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

func TestRoutes(t *testing.T) {
	if !sourcetest.InNamespace(t) {
		return
	}
	ip := func(args ...string) { t.Helper(); sourcetest.IP(t, args...) }
	r, _ := start(t, one("rtnetlink", networkFacts, routes{root: "/"}))
	r.fact(t, task.FactInternet, task.No)
	r.fact(t, task.FactNetwork, task.None)
	r.fact(t, task.FactMetered, task.None)

	ip("link", "add", "up0", "type", "veth", "peer", "name", "far0")
	ip("link", "set", "up0", "up")
	ip("link", "set", "far0", "up")
	ip("addr", "add", "192.0.2.10/24", "dev", "up0")
	ip("route", "add", "default", "via", "192.0.2.1")
	r.fact(t, task.FactInternet, task.Yes)
	r.fact(t, task.FactNetwork, "up0 192.0.2.10 via 192.0.2.1")
	r.fact(t, task.FactMetered, task.No)

	ip("link", "set", "far0", "down") // the cable is pulled, the route stays
	r.fact(t, task.FactInternet, task.No)
	ip("link", "set", "far0", "up")
	r.fact(t, task.FactInternet, task.Yes)
	ip("route", "del", "default")
	r.fact(t, task.FactInternet, task.No)

	ip("-6", "addr", "add", "2001:db8::10/64", "dev", "up0", "nodad")
	ip("-6", "route", "add", "default", "via", "2001:db8::1")
	r.fact(t, task.FactInternet, task.Yes)
	ip("route", "add", "blackhole", "default")
	ip("-6", "route", "del", "default")
	r.fact(t, task.FactInternet, task.No)
	ip("route", "replace", "default", "via", "192.0.2.1")
	r.fact(t, task.FactInternet, task.Yes)
	for range 50 { // flapping
		ip("link", "set", "far0", "down")
		ip("link", "set", "far0", "up")
	}
	ip("link", "del", "up0")
	r.fact(t, task.FactInternet, task.No)
}

func TestProbe(t *testing.T) {
	if !sourcetest.InNamespace(t) {
		return
	}
	sourcetest.IP(t, "link", "set", "lo", "up")
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r, _ := start(t, one("rtnetlink", networkFacts, routes{root: "/", probe: listener.Addr().String()}))
	r.fact(t, task.FactInternet, task.No) // without a route there is no probe
	sourcetest.IP(t, "link", "add", "up0", "type", "veth", "peer", "name", "far0")
	sourcetest.IP(t, "link", "set", "far0", "up")
	sourcetest.IP(t, "link", "set", "up0", "up")
	sourcetest.IP(t, "route", "add", "default", "dev", "up0")
	r.fact(t, task.FactInternet, task.Yes)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	sourcetest.IP(t, "addr", "add", "192.0.2.10/24", "dev", "up0")
	r.fact(t, task.FactInternet, task.No)
}

func TestCost(t *testing.T) {
	for kind, want := range map[string]task.Value{"": task.No, "wwan": task.Yes, "ppp": task.Yes, "bluetooth": task.Yes, "wlan": task.Unknown} {
		if got := cost(way{link: "x", kind: kind}); got.Value != want || got.Detail == "" {
			t.Errorf("%q: %+v, want %s", kind, got, want)
		}
	}
}

// The kernel sends real events when a device appears in the network namespace.
func TestUevents(t *testing.T) {
	if !sourcetest.InNamespace(t) {
		return
	}
	u, err := openUevents(t.TempDir()) // without udev below root, these are the kernel's
	if err != nil {
		t.Fatal(err)
	}
	defer u.close()
	sourcetest.IP(t, "link", "add", "bgtask0", "type", "veth", "peer", "name", "bgtask1")
	for {
		e, err := u.read()
		if err != nil {
			t.Fatal(err)
		}
		if e.action == "add" && e.subsystem == "net" && e.properties["INTERFACE"] == "bgtask0" {
			return
		}
	}
}

func FuzzParseUevent(f *testing.F) {
	f.Add([]byte("add@/devices/virtual/net/x\x00ACTION=add\x00DEVPATH=/devices/virtual/net/x\x00SUBSYSTEM=net\x00"))
	f.Add([]byte("libudev\x00\xfe\xed\xca\xfe\x28\x00\x00\x00\x28\x00\x00\x00\x1c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x00\x00\x00\x00\x00\x00\x00ACTION=add\x00DEVPATH=/devices/x"))
	f.Add([]byte("libudev\x00\xfe\xed\xca\xfe\x28\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, ok := parseUevent(b); ok && (e.action == "" || e.path == "" || e.properties == nil) {
			t.Errorf("incomplete event: %+v", e)
		}
	})
}
