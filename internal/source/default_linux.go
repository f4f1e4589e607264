package source

import (
	"os"
	"time"

	"github.com/bgtask/bgtask/task"
)

// Options say what the sources of this machine have to know. Zero fields are
// taken from the environment.
type Options struct {
	StateDir   string // the broker's state: its file system is the one watched for space
	Probe      string // "host:port", to be reached before the internet is said to be there; "": none
	UID        int    // whose sessions; zero: the process's
	SystemBus  string // D-Bus addresses
	SessionBus string
	Root       string // of /etc, /proc, /run and /sys; "/"

	// Shutdown is called when the machine begins to shut down, which waits for the
	// sources to end, and for no longer than within. Nil: it does not wait.
	Shutdown func(within time.Duration)
}

// Default lists the sources of this machine, by what they report.
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
