package task

import (
	"errors"
	"fmt"
	"time"
)

// PortableToWindows is a Rule: everything in s has to work the same on Windows,
// in a program with a COM class server.
func PortableToWindows(s Spec) error {
	p := &portability{faults: newFaults(s.Name)}
	p.trigger(s.Trigger)
	for _, c := range s.Conditions {
		if row, ok := c.Row(); ok && !row.Windows {
			p.no(fmt.Sprintf("Windows does not know the condition %s", row.Name), "leave it out there")
		}
	}
	p.option("RunIfUnknown", len(s.RunIfUnknown) > 0)
	p.option("Retry", s.Retry != RetryPolicy{})
	p.option("Misfire", s.Misfire != Misfire{})
	p.option("Hold", s.Hold != Hold{})
	p.option("Queue", s.Queue != 0)
	p.option("Exclusive", s.Exclusive != "")
	p.option("RunLimit", s.RunLimit != 0)
	p.option("Command", s.Command != nil)
	return errors.Join(p.errs...)
}

type portability struct{ *faults }

func (p *portability) no(detail, hint string) { p.add(ErrNotSupported, detail, hint) }

func (p *portability) option(name string, set bool) {
	if set {
		p.no("Windows has no "+name, "leave it out there")
	}
}

func (p *portability) trigger(t Trigger) {
	switch t := t.(type) {
	case TimeTrigger:
		p.freshness(t.Freshness)
	case MaintenanceTrigger:
		p.freshness(t.Freshness)
		if t.Freshness > windowsMaintenanceMost {
			p.no("Windows may refuse a MaintenanceTrigger of more than 30 days", "make Freshness shorter")
		}
	case CalendarTrigger:
		p.no("Windows has no CalendarTrigger", "use a TimeTrigger and look at the time in Run")
	case SystemTrigger:
		p.no("Windows refuses a SystemTrigger for a COM class (0x80070032)", "use a TimeTrigger with a condition there")
	case ApplicationTrigger:
		p.no("Windows refuses an ApplicationTrigger for a COM class (0x80070032)", "do the work in the application there")
	case StorageLibraryContentChangedTrigger:
		p.no("Windows watches libraries, not paths", "use a TimeTrigger there")
	case SocketActivityTrigger:
		p.no("Windows has no listen address in a SocketActivityTrigger: there the application hands over its socket", "serve the socket in the application there")
	case ToastNotificationActionTrigger:
		if t.Tag != "" {
			p.no("Windows has no tag in a ToastNotificationActionTrigger", "look at the details in Run there")
		}
	case DeviceWatcherTrigger:
		p.no("Windows has no subsystem in a DeviceWatcherTrigger: there a DeviceWatcher makes it", "use a TimeTrigger there")
	}
}

// windowsMaintenanceMost is above what some releases of Windows accept.
const windowsMaintenanceMost = 30 * 24 * time.Hour

func (p *portability) freshness(d time.Duration) {
	switch {
	case d < WindowsFreshness:
		p.no(fmt.Sprintf("Windows refuses an interval below 15 minutes: %s", d), "make Freshness 15 minutes or more")
	case d%time.Minute != 0:
		p.no(fmt.Sprintf("Windows counts intervals in whole minutes: %s", d), "round Freshness to a minute")
	}
}
