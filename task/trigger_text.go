package task

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WaitsFor says for what a task with the trigger waits while it does not fire:
// "its time", "InternetAvailable", `event "morning"`.
func WaitsFor(t Trigger) string {
	switch t := t.(type) {
	case TimeTrigger, MaintenanceTrigger, CalendarTrigger:
		return "its time"
	case SystemTrigger:
		return t.Type.String()
	case ApplicationTrigger:
		return "a request"
	case CustomSystemEventTrigger:
		return "event " + strconv.Quote(t.ID)
	case StorageLibraryContentChangedTrigger:
		return "a change in " + pathList(t.Paths)
	case SocketActivityTrigger:
		return "a connection on " + t.Listen
	case DeviceWatcherTrigger:
		return "a device change (" + deviceText(t) + ")"
	case ToastNotificationActionTrigger:
		if t.Tag != "" {
			return "an action on a toast tagged " + strconv.Quote(t.Tag)
		}
		return "an action on a toast"
	case PushNotificationTrigger:
		return "a push message"
	}
	return "its trigger"
}

// deviceText is the subsystem, and the properties that a device needs.
func deviceText(t DeviceWatcherTrigger) string {
	words := []string{t.Subsystem}
	for _, name := range slices.Sorted(maps.Keys(t.Properties)) {
		words = append(words, name+"="+t.Properties[name])
	}
	return strings.Join(words, ", ")
}

func pathList(paths []string) string {
	if len(paths) > 1 {
		return fmt.Sprintf("%s and %d more", paths[0], len(paths)-1)
	}
	return strings.Join(paths, "")
}

// TriggerText is the trigger line of show: "TimeTrigger, every 30 min on the grid
// of 2026-11-20 08:00:00 CET". The time is shown in its own location; the zero
// one is left out.
func TriggerText(t Trigger, gridFrom time.Time) string {
	if !isTrigger(t) {
		return "no trigger"
	}
	s := t.Class()
	switch t.(type) {
	case TimeTrigger, MaintenanceTrigger:
		s += ", " + timing(t)
		if !gridFrom.IsZero() {
			s += " on the grid of " + gridFrom.Format(dateLayout)
		}
	case CalendarTrigger:
		s += ", " + timing(t)
	case ApplicationTrigger:
	default:
		s += ", " + WaitsFor(t)
	}
	if OneShot(t) {
		s += ", once"
	}
	return s
}

// timing is what is said of a timer in parentheses: "every 30 min", `"daily",
// Europe/Berlin`; "" for other triggers.
func timing(t Trigger) string {
	if c, ok := t.(CalendarTrigger); ok {
		s := strconv.Quote(c.Expr)
		if c.Zone != "" {
			s += ", " + c.Zone
		}
		return s
	}
	freshness, ok := freshnessOf(t)
	switch {
	case !ok:
		return ""
	case OneShot(t):
		return "after " + Interval(freshness)
	}
	return "every " + Interval(freshness)
}

// ConditionList is "InternetAvailable, BatteryNotLow".
func ConditionList(all []Condition) string {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.String()
	}
	return strings.Join(names, ", ")
}

// String is the runs line of show: "209: 203 completed, 5 canceled, 1 failed; 17
// instants missed".
func (c Counts) String() string {
	s := strconv.Itoa(c.Runs)
	var parts []string
	for _, row := range Outcomes() {
		if n := c.ByOutcome[row.Outcome]; n > 0 {
			parts = append(parts, strconv.Itoa(n)+" "+row.Name)
		}
	}
	if len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	if c.Missed > 0 {
		s += "; " + plural(c.Missed, "instant") + " missed"
	}
	return s
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// and joins words: "a", "a and b", "a, b and c".
func and(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
