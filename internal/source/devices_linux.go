package source

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bgtask/bgtask/task"
)

// devices feeds DeviceWatcherTrigger.
//
// The kernel announces every device change on a netlink socket; udev repeats it
// with the properties that its rules found. Each event is compared with all
// registrations. When events were lost, every registration fires, since any of
// them may have matched.
type devices struct {
	*wishes
	root   string
	events Events
}

// NewDevices returns a watcher of device events. It listens to udev if udev runs
// below root, else to the kernel.
func NewDevices(root string, events Events) Watcher {
	return &devices{newWishes(), root, events}
}

// Entry implements Watcher.
func (d *devices) Entry() Entry {
	return Entry{Name: "uevents", Triggers: []string{task.DeviceWatcherTrigger{}.Class()}, Source: d}
}

// Check implements Watcher.
func (d *devices) Check(t task.Trigger) error {
	w, ok := t.(task.DeviceWatcherTrigger)
	if !ok || w.Subsystem == "" || strings.ContainsAny(w.Subsystem, "/\x00") {
		return refuse(task.ErrInvalid, "a DeviceWatcherTrigger needs the name of a subsystem", "use a name from /sys/class or /sys/bus, such as usb, block or net")
	}
	return nil
}

// Watch implements Source.
func (d *devices) Watch(ctx context.Context, report func(...task.Fact)) error {
	events, err := openUevents(d.root)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, events.close)
	defer stop()
	defer events.close()
	report()
	for {
		e, err := events.read()
		switch {
		case errors.Is(err, errUeventsLost):
			d.lost()
		case err != nil:
			return err
		default:
			d.match(e)
		}
	}
}

// match fires the registrations that match an event.
func (d *devices) match(e uevent) {
	if e.action != "add" && e.action != "remove" && e.action != "change" {
		return
	}
	for id, t := range of[task.DeviceWatcherTrigger](d.wishes) {
		if t.Subsystem == e.subsystem && contains(e.properties, t.Properties) {
			_ = d.events.Fired(id, task.DeviceWatcherTriggerDetails{Action: e.action, Device: e.path, Properties: fitting(e.properties, t.Properties)})
		}
	}
}

// lost fires all registrations, since a lost event may have matched any of them.
func (d *devices) lost() {
	for id := range of[task.DeviceWatcherTrigger](d.wishes) {
		_ = d.events.Fired(id, task.DeviceWatcherTriggerDetails{Action: "change"})
	}
}

// fitting returns the properties that fit into the details of a run: the
// requested ones first, then others in alphabetical order up to the limits. The
// largest disks have more properties than that.
func fitting(all, asked map[string]string) map[string]string {
	some := maps.Clone(asked)
	if some == nil {
		some = map[string]string{}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		value := strings.ToValidUTF8(all[name], "\uFFFD")
		if _, there := some[name]; there || len(some) < task.MaxProperties && len(name) <= task.MaxName && utf8.ValidString(name) && len(value) <= task.MaxPath {
			some[name] = value
		}
	}
	return some
}

func contains(all, some map[string]string) bool {
	for name, value := range some {
		if v, ok := all[name]; !ok || v != value {
			return false
		}
	}
	return true
}
