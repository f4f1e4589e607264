package task

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// PortableToWindows is a Rule: everything in s has to work the same on Windows,
// in a program with a COM class server.
func PortableToWindows(s Spec) error {
	return errors.Join(OnWindows(s), uncertain(s))
}

// OnWindows is the Rule of the Windows backend: what it has no way to ask Windows
// for. PortableToWindows refuses more: what Windows is known to answer with a no.
func OnWindows(s Spec) error {
	p := &portability{faults: newFaults(s.Name)}
	p.trigger(s.Trigger)
	for _, c := range s.Conditions {
		if c != nil && !onWindows(c) {
			p.no(fmt.Sprintf("Windows does not know the condition %s", conditionName(c)), "leave it out there")
		}
	}
	for _, row := range windowsOptions {
		if row.set(s) {
			p.no("Windows has no "+row.What, row.Hint)
		}
	}
	return errors.Join(p.errs...)
}

// onWindows reports whether Windows has the condition; OrUnknown is looked at by
// itself. Validate refuses unknown numbers.
func onWindows(c Condition) bool {
	plain, _ := CutUnknown(c)
	system, ok := plain.(SystemCondition)
	row, known := system.Row()
	return ok && (row.Windows || !known)
}

func hasOrUnknown(s Spec) bool {
	return slices.ContainsFunc(s.Conditions, func(c Condition) bool { _, found := CutUnknown(c); return found })
}

// uncertain refuses the triggers that Windows has, and gives to packaged
// components only.
func uncertain(s Spec) error {
	p := &portability{faults: newFaults(s.Name)}
	switch s.Trigger.(type) {
	case SystemTrigger:
		p.no("Windows refuses a SystemTrigger for a COM class (0x80070032)", "use a TimeTrigger with a condition there")
	case ApplicationTrigger:
		p.no("Windows refuses an ApplicationTrigger for a COM class (0x80070032)", "do the work in the application there")
	}
	return errors.Join(p.errs...)
}

type portability struct{ *faults }

func (p *portability) no(detail, hint string) { p.add(ErrNotSupportedOnWindows, detail, hint) }

func (p *portability) trigger(t Trigger) {
	if !isTrigger(t) {
		return // Validate says so
	}
	switch t := t.(type) {
	case TimeTrigger:
		p.freshness(t.Freshness)
	case MaintenanceTrigger:
		p.freshness(t.Freshness)
		if t.Freshness > windowsMaintenanceMost {
			p.no("Windows may refuse a MaintenanceTrigger of more than 30 days", "make Freshness shorter")
		}
	case ToastNotificationActionTrigger:
		if t.Tag != "" {
			p.no("Windows has no tag in a ToastNotificationActionTrigger", "look at the details in Run there")
		}
	case SystemTrigger, ApplicationTrigger, PushNotificationTrigger:
	default:
		row := withoutWindows[t.Class()]
		p.no(row.detail, row.hint)
	}
}

// withoutWindows says of triggers why Windows cannot have them as they are here.
var withoutWindows = map[string]struct{ detail, hint string }{
	"CalendarTrigger":                     {"Windows has no CalendarTrigger", "use a TimeTrigger and look at the time in Run"},
	"CustomSystemEventTrigger":            {"nothing on Windows raises the event of a CustomSystemEventTrigger for a COM class", "use a TimeTrigger there"},
	"StorageLibraryContentChangedTrigger": {"Windows watches libraries, not paths", "use a TimeTrigger there"},
	"SocketActivityTrigger": {"Windows has no listen address in a SocketActivityTrigger: there the application hands over its socket",
		"serve the socket in the application there"},
	"DeviceWatcherTrigger": {"Windows has no subsystem in a DeviceWatcherTrigger: there a DeviceWatcher makes it", "use a TimeTrigger there"},
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
