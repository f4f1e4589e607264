package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

const (
	probeTimeout   = 5 * time.Second
	probeAgain     = 30 * time.Second // after a failed probe; doubled up to probeAgainMost
	probeAgainMost = 10 * time.Minute
)

// The kernel is asked for its routes to these addresses. They belong to root name
// servers, so they are outside every private network. Nothing is sent to them.
var (
	farIPv4 = net.IPv4(198, 41, 0, 4).To4()
	farIPv6 = net.ParseIP("2001:503:ba3e::2:30")
)

// routes reports what the kernel's routing table knows: whether there is a way
// out of the machine. Whether the internet is reachable at its end is known only
// with a probe.
type routes struct {
	root  string // parent of /sys
	probe string // "host:port" to connect to; "" for no probe
}

// Watch implements Source.
func (r routes) Watch(ctx context.Context, report func(...task.Fact)) error {
	events, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{Groups: unix.RTMGRP_LINK |
		unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV4_ROUTE | unix.RTMGRP_IPV6_IFADDR | unix.RTMGRP_IPV6_ROUTE})
	if err != nil {
		return fmt.Errorf("open rtnetlink: %w", err)
	}
	ask, err := rtnetlink.Dial(nil)
	if err != nil {
		_ = events.Close()
		return fmt.Errorf("open rtnetlink: %w", err)
	}
	defer func() { _ = ask.Close() }()
	h, ended := newHints(), make(chan error, 1)
	var reader sync.WaitGroup
	reader.Go(func() { ended <- drain(events, h) })
	defer reader.Wait()
	defer func() { _ = events.Close() }()
	failures := 0
	return follow(ctx, h, ended, func(ctx context.Context) (time.Duration, error) {
		facts, retry := r.facts(ctx, []way{r.find(ask, unix.AF_INET, farIPv4), r.find(ask, unix.AF_INET6, farIPv6)})
		report(facts...)
		if !retry {
			failures = 0
			return 0, nil
		}
		failures++
		return min(probeAgain<<min(failures-1, 10), probeAgainMost), nil
	})
}

// drain gives a hint for each message, and when the kernel's buffer overflowed.
func drain(events *netlink.Conn, h hints) error {
	for {
		_, err := events.Receive()
		if err != nil && !errors.Is(err, unix.ENOBUFS) {
			return fmt.Errorf("read rtnetlink: %w", err)
		}
		h.give()
	}
}

// way is a route out of the machine. The zero value means that there is none.
type way struct {
	link, kind   string // such as "wlan0", and the kernel's DEVTYPE, "" for ethernet
	source, next string // source address and gateway
}

func (w way) String() string {
	s := w.link
	if w.source != "" && w.source != "<nil>" {
		s += " " + w.source
	}
	if w.next != "" && w.next != "<nil>" {
		s += " via " + w.next
	}
	return s
}

// find asks the kernel for its route to a distant address, as "ip route get"
// does. So policy routing is respected, and the length of the routing table does
// not matter.
func (r routes) find(ask *rtnetlink.Conn, family uint8, far net.IP) way {
	found, err := ask.Route.Get(&rtnetlink.RouteMessage{Family: family, DstLength: uint8(8 * len(far)),
		Attributes: rtnetlink.RouteAttributes{Dst: far}})
	if err != nil || len(found) == 0 || found[0].Type != unix.RTN_UNICAST {
		return way{}
	}
	to := found[0].Attributes
	link, err := ask.Link.Get(to.OutIface)
	if err != nil || link.Attributes == nil || !operational(link.Attributes.OperationalState) {
		return way{}
	}
	return way{link: link.Attributes.Name, kind: r.kind(link), source: to.Src.String(), next: to.Gateway.String()}
}

// operational reports whether a link is up. A route outlives the carrier of its
// link, so the link has to be checked. Links with an unknown state, such as
// tunnels, count as up.
func operational(s rtnetlink.OperationalState) bool {
	return s == rtnetlink.OperStateUp || s == rtnetlink.OperStateUnknown
}

// kind returns the kind of a link according to sysfs.
func (r routes) kind(link rtnetlink.LinkMessage) string {
	if link.Type == unix.ARPHRD_PPP {
		return "ppp"
	}
	uevent, _ := os.ReadFile(filepath.Join(r.root, "sys/class/net", link.Attributes.Name, "uevent"))
	for line := range strings.Lines(string(uevent)) {
		if kind, ok := strings.CutPrefix(strings.TrimSpace(line), "DEVTYPE="); ok {
			return kind
		}
	}
	return ""
}

// facts returns the facts for the given routes, IPv4 first. It sets retry if the
// probe failed.
func (r routes) facts(ctx context.Context, ways []way) (facts []task.Fact, retry bool) {
	var out []way
	var names []string
	for _, w := range ways {
		if w.link != "" {
			out = append(out, w)
			names = append(names, w.String())
		}
	}
	network := task.Fact{Name: task.FactNetwork, Value: joinValue(names)}
	if len(out) == 0 {
		return []task.Fact{yesNo(task.FactInternet, false, "no route"),
			{Name: task.FactMetered, Value: task.None}, network}, false
	}
	internet := yesNo(task.FactInternet, true, "a route over "+out[0].link+", not probed")
	if r.probe != "" {
		err := r.reach(ctx)
		internet = yesNo(task.FactInternet, err == nil, r.probe+" is reachable")
		if err != nil {
			internet.Detail = r.probe + " is not reachable: " + err.Error()
		}
		retry = err != nil
	}
	return []task.Fact{internet, cost(out[0]), network}, retry
}

func (r routes) reach(ctx context.Context) error {
	d := net.Dialer{Timeout: probeTimeout}
	conn, err := d.DialContext(ctx, "tcp", r.probe)
	if err != nil {
		return err
	}
	return conn.Close()
}

// cost guesses from the kind of the link, as NetworkManager does where the user
// did not configure it. A wireless network may be a phone's hotspot, so its cost
// is unknown.
func cost(w way) task.Fact {
	switch w.kind {
	case "wwan", "ppp", "bluetooth":
		return yesNo(task.FactMetered, true, "guessed: "+w.link+" is a mobile connection")
	case "wlan":
		return task.Fact{Name: task.FactMetered, Detail: "the kernel does not know what " + w.link + " costs"}
	}
	return yesNo(task.FactMetered, false, "guessed: "+w.link+" is not a mobile connection")
}
