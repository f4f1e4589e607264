package source

import (
	"os"
	"time"

	"github.com/bgtask/bgtask/task"
)

// Options configure the sources of this machine. Zero fields get their value from
// the environment.
type Options struct {
	StateDir   string // the broker's state directory; its file system is watched for free space
	Probe      string // "host:port" that must be reachable for internet=yes; "" for no probe
	UID        int    // user whose sessions count; zero means the process's user
	SystemBus  string // D-Bus address
	SessionBus string // D-Bus address
	Root       string // parent of /etc, /proc, /run and /sys; "" means "/"

	// Shutdown is called when the machine begins to shut down. The machine waits
	// until the sources end, but at most for the given time. If Shutdown is nil,
	// the machine does not wait.
	Shutdown func(within time.Duration)
}

// Default returns the sources of this machine, one chain for each group of facts.
func Default(o Options) []Chain {
	o = o.withDefaults()
	return []Chain{
		{
			{Name: "NetworkManager", Facts: networkFacts, Source: newNetworkManager(o.SystemBus)},
			{Name: "systemd-networkd", Facts: networkFacts, Source: newNetworkd(o.SystemBus)},
			{Name: "rtnetlink", Facts: networkFacts, Source: routes{root: o.Root, probe: o.Probe}},
		},
		{
			{Name: "UPower", Facts: powerFacts, Source: newUPower(o.SystemBus)},
			{Name: "power_supply", Facts: powerFacts, Source: powerSupply{root: o.Root}},
		},
		{
			{Name: "power-profiles-daemon", Facts: saverFacts, Source: newPowerProfiles(o.SystemBus)},
			{Name: "power-profiles-daemon (hadess)", Facts: saverFacts, Source: newOldPowerProfiles(o.SystemBus)},
			{Name: "xdg-desktop-portal", Facts: saverFacts, Source: newPortal(o.SessionBus)},
		},
		{{Name: "logind", Facts: sessionFacts, Source: newLogind(o.SystemBus, o.UID, o.Root, o.Shutdown)}},
		{{Name: "localtime", Facts: []string{task.FactTimeZone}, Source: timeZone{root: o.Root, bus: o.SystemBus}}},
		{{Name: "statfs", Facts: []string{task.FactStorageLow}, Source: storage{dir: o.StateDir}}},
	}
}

func (o Options) withDefaults() Options {
	if o.UID == 0 {
		o.UID = os.Getuid()
	}
	if o.SystemBus == "" {
		o.SystemBus = systemBus()
	}
	if o.SessionBus == "" {
		o.SessionBus = sessionBus()
	}
	if o.Root == "" {
		o.Root = "/"
	}
	if o.StateDir == "" {
		o.StateDir = o.Root
	}
	return o
}
