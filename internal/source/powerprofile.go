//go:build linux

package source

import (
	"context"

	"github.com/bgtask/bgtask/task"
)

var saverFacts = []string{task.FactEnergySaver}

// newPowerProfiles returns the source of power-profiles-daemon under the name it
// has since version 0.20. tuned-ppd offers the same interface.
func newPowerProfiles(bus string) Source {
	return profiles(bus, "org.freedesktop.UPower.PowerProfiles", "/org/freedesktop/UPower/PowerProfiles")
}

// newOldPowerProfiles returns the source of power-profiles-daemon under its name
// before 0.20.
func newOldPowerProfiles(bus string) Source {
	return profiles(bus, "net.hadess.PowerProfiles", "/net/hadess/PowerProfiles")
}

// profiles watches a service whose interface has the same name as the service.
func profiles(bus, name, path string) Source {
	read := func(ctx context.Context, p *peer) ([]task.Fact, error) {
		all, err := p.properties(ctx, path, name)
		if err != nil {
			return nil, err
		}
		profile, ok := get[string](all, "ActiveProfile")
		if !ok {
			return nil, p.notHere(name+" reports no active profile", "")
		}
		return []task.Fact{yesNo(task.FactEnergySaver, profile == "power-saver", "profile "+profile)}, nil
	}
	return service{bus: bus, name: name, path: path, activate: true, read: read, missing: NotHereError{
		Detail: "power-profiles-daemon is not installed",
		Remedy: "install power-profiles-daemon or tuned-ppd",
	}}
}

const (
	portalName    = "org.freedesktop.portal.Desktop"
	portalPath    = "/org/freedesktop/portal/desktop"
	portalProfile = "org.freedesktop.portal.PowerProfileMonitor"
)

// newPortal returns the source of the desktop portal's power profile monitor, on
// the session bus. The portal is never started for this, since that would bring
// up parts of a desktop on a server.
func newPortal(bus string) Source {
	return service{bus: bus, name: portalName, path: portalPath, read: readPortal, missing: NotHereError{
		Detail: "there is no desktop portal",
		Remedy: "install xdg-desktop-portal",
	}}
}

func readPortal(ctx context.Context, p *peer) ([]task.Fact, error) {
	all, err := p.properties(ctx, portalPath, portalProfile)
	if err != nil {
		return nil, err
	}
	saver, ok := get[bool](all, "power-saver-enabled")
	if !ok {
		return nil, p.notHere("the desktop portal has no power profile monitor", "install power-profiles-daemon")
	}
	return []task.Fact{yesNo(task.FactEnergySaver, saver, "")}, nil
}
