package task

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

func (f *faults) trigger(t Trigger) {
	if isTrigger(t) && !f.windows {
		f.class(t.Class())
	}
	switch t := t.(type) {
	case nil:
		f.add(ErrInvalid, "a task needs a trigger", "set Trigger; a task that is only ever fired by hand has ApplicationTrigger{}")
	case TimeTrigger:
		f.freshness(t.Freshness)
	case MaintenanceTrigger:
		f.freshness(t.Freshness)
	case CalendarTrigger:
		f.calendar(t)
	case SystemTrigger:
		f.system(t)
	case ApplicationTrigger:
	case CustomSystemEventTrigger:
		f.event(t)
	case StorageLibraryContentChangedTrigger:
		f.watched(t)
	case SocketActivityTrigger:
		f.listen(t.Listen)
	case DeviceWatcherTrigger:
		f.device(t)
	case ToastNotificationActionTrigger:
		f.text("the tag", t.Tag, MaxName)
	case PushNotificationTrigger:
		f.text("the application id", t.ApplicationID, MaxName)
	default: // a pointer to one, or one embedded in another type
		f.add(ErrInvalid, fmt.Sprintf("%T is not a trigger", t), "give one of the trigger types of this package by value: TimeTrigger{...}")
	}
}

func (f *faults) class(class string) {
	if row, _ := TriggerClass(class); row.Support != Supported {
		f.add(ErrTriggerNotSupported, fmt.Sprintf("a %s cannot fire here: %s", class, row.Why), "doc/COMPATIBILITY.md lists what can fire")
	}
}

func (f *faults) freshness(d time.Duration) {
	if d == 0 {
		f.add(ErrInvalid, "the timer has no Freshness", "set it to the interval: 15 * time.Minute")
	}
	f.between("Freshness", d, 0)
}

func (f *faults) calendar(t CalendarTrigger) {
	if strings.TrimSpace(t.Expr) == "" {
		f.add(ErrInvalid, "the calendar expression is empty", `such as "Mon..Fri 09:00" or "0 9 * * 1-5"`)
	}
	f.text("the calendar expression", t.Expr, MaxExpression)
	f.text("the time zone", t.Zone, MaxName)
}

func (f *faults) system(t SystemTrigger) {
	row, ok := t.Type.Row()
	switch {
	case !ok:
		f.add(ErrInvalid, fmt.Sprintf("there is no system trigger type number %d", t.Type), "the types are "+systemTriggerNames())
	case !row.Supported && !f.windows:
		f.add(ErrTriggerNotSupported, fmt.Sprintf("SystemTrigger %s cannot fire here: %s", row.Name, row.Why), "those that can are "+systemTriggerNames())
	}
}

func systemTriggerNames() string {
	var names []string
	for _, row := range SystemTriggerTypes() {
		if row.Supported {
			names = append(names, row.Name)
		}
	}
	return strings.Join(names, ", ")
}

func (f *faults) event(t CustomSystemEventTrigger) {
	if t.ID == "" {
		f.add(ErrInvalid, "the event has no id", "set ID to the word that is raised: bgtask raise ID")
	}
	f.text("the event id", t.ID, MaxName)
	if t.Recurrence > Always {
		f.add(ErrInvalid, fmt.Sprintf("there is no recurrence number %d", t.Recurrence), "it is Once or Always")
	}
}

func (f *faults) watched(t StorageLibraryContentChangedTrigger) {
	f.count("the number of watched paths", len(t.Paths), 1, MaxWatchedPaths)
	seen := make(map[string]bool, len(t.Paths))
	for _, p := range t.Paths {
		f.path("the watched path", p)
		if seen[p] {
			f.add(ErrInvalid, fmt.Sprintf("the path %q is watched twice", clip(p, 64)), "give it once")
		}
		seen[p] = true
	}
	f.between("Settle", t.Settle, 0)
}

func (f *faults) device(t DeviceWatcherTrigger) {
	if t.Subsystem == "" {
		f.add(ErrInvalid, "the device watcher has no subsystem", `such as "usb", "block" or "bluetooth"`)
	}
	f.text("the subsystem", t.Subsystem, MaxName)
	if n := len(t.Properties); n > MaxProperties {
		f.add(ErrLimit, fmt.Sprintf("%d device properties; at most %d are allowed", n, MaxProperties), "name those that identify the device")
		return
	}
	for _, name := range sortedKeys(t.Properties) {
		if name == "" {
			f.add(ErrInvalid, "a device property has no name", "such as ID_VENDOR_ID")
		}
		f.text("the name of a device property", name, MaxName)
		f.text("the device property "+clip(name, 64), t.Properties[name], MaxFactValue)
	}
}

// maxSocketPath is what fits into sockaddr_un.sun_path with its NUL.
const maxSocketPath = 107

const listenHint = `"tcp:127.0.0.1:8080", "tcp:[::1]:8080" or "unix:/run/user/1000/app.sock"`

// listen allows addresses of this machine only: what others can reach is a
// service, not a task.
func (f *faults) listen(address string) {
	kind, rest, _ := strings.Cut(address, ":")
	switch kind {
	case "tcp":
		f.listenTCP(rest)
	case "unix":
		f.path("the socket's path", rest)
		if len(rest) > maxSocketPath {
			f.add(ErrLimit, fmt.Sprintf("the socket's path has %d bytes; at most %d are allowed", len(rest), maxSocketPath), "choose a shorter one, below XDG_RUNTIME_DIR")
		}
	default:
		f.add(ErrInvalid, fmt.Sprintf("the listen address %q is neither tcp: nor unix:", clip(address, 64)), listenHint)
	}
}

func (f *faults) listenTCP(address string) {
	a, err := netip.ParseAddrPort(address)
	switch {
	case err != nil:
		f.add(ErrInvalid, fmt.Sprintf("the listen address %q is not a numeric address and a port", clip(address, 64)), listenHint)
	case a.Port() == 0:
		f.add(ErrInvalid, "the listen address has port 0, to which no client could connect", listenHint)
	case !a.Addr().IsLoopback():
		f.add(ErrInvalid, fmt.Sprintf("the listen address %q is not a loopback address", clip(address, 64)), "a task serves this machine only: "+listenHint)
	}
}
