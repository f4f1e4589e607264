package task

import "time"

// AppendTrigger appends t in its short form: {"type":"TimeTrigger","freshness_s":900}.
// A nil trigger is null.
func AppendTrigger(dst []byte, t Trigger) []byte {
	w := &jsonWriter{b: dst, short: true}
	w.trigger(t)
	return w.b
}

// DecodeTrigger reads what AppendTrigger or MarshalJSON wrote; null is nil.
func DecodeTrigger(data []byte) (Trigger, error) {
	r := &jsonReader{b: data}
	t := r.trigger()
	if err := r.end(); err != nil {
		return nil, err
	}
	return t, nil
}

func marshalTrigger(t Trigger) ([]byte, error) {
	w := &jsonWriter{b: make([]byte, 0, 128)}
	w.trigger(t)
	return w.b, nil
}

// MarshalJSON of a trigger is a union with the tag "type", the class name.
func (t TimeTrigger) MarshalJSON() ([]byte, error)                         { return marshalTrigger(t) }
func (t MaintenanceTrigger) MarshalJSON() ([]byte, error)                  { return marshalTrigger(t) }
func (t CalendarTrigger) MarshalJSON() ([]byte, error)                     { return marshalTrigger(t) }
func (t SystemTrigger) MarshalJSON() ([]byte, error)                       { return marshalTrigger(t) }
func (t ApplicationTrigger) MarshalJSON() ([]byte, error)                  { return marshalTrigger(t) }
func (t CustomSystemEventTrigger) MarshalJSON() ([]byte, error)            { return marshalTrigger(t) }
func (t StorageLibraryContentChangedTrigger) MarshalJSON() ([]byte, error) { return marshalTrigger(t) }
func (t SocketActivityTrigger) MarshalJSON() ([]byte, error)               { return marshalTrigger(t) }
func (t DeviceWatcherTrigger) MarshalJSON() ([]byte, error)                { return marshalTrigger(t) }
func (t ToastNotificationActionTrigger) MarshalJSON() ([]byte, error)      { return marshalTrigger(t) }
func (t PushNotificationTrigger) MarshalJSON() ([]byte, error)             { return marshalTrigger(t) }

// isTrigger is false for nil, for a pointer to a trigger and for a type that
// embeds one; Validate refuses these.
func isTrigger(t Trigger) bool {
	switch t.(type) {
	case TimeTrigger, MaintenanceTrigger, CalendarTrigger, SystemTrigger, ApplicationTrigger, CustomSystemEventTrigger,
		StorageLibraryContentChangedTrigger, SocketActivityTrigger, DeviceWatcherTrigger, ToastNotificationActionTrigger,
		PushNotificationTrigger:
		return true
	}
	return false
}

func (w *jsonWriter) trigger(t Trigger) {
	if !isTrigger(t) {
		w.null()
		return
	}
	w.open('{')
	w.text("type", t.Class())
	switch t := t.(type) {
	case TimeTrigger:
		w.seconds("freshness_s", t.Freshness)
		w.bool("one_shot", t.OneShot)
	case MaintenanceTrigger:
		w.seconds("freshness_s", t.Freshness)
		w.bool("one_shot", t.OneShot)
	case CalendarTrigger:
		w.text("expr", t.Expr)
		w.text("zone", t.Zone)
		w.bool("one_shot", t.OneShot)
	case SystemTrigger:
		w.text("trigger_type", t.Type.String())
		w.number("trigger_type_number", int(t.Type), true)
		w.bool("one_shot", t.OneShot)
	case CustomSystemEventTrigger:
		w.text("id", t.ID)
		w.text("recurrence", t.Recurrence.String())
		w.number("recurrence_number", int(t.Recurrence), true)
	case StorageLibraryContentChangedTrigger:
		w.texts("paths", t.Paths)
		w.seconds("settle_s", t.Settle)
	case SocketActivityTrigger:
		w.text("listen", t.Listen)
	case DeviceWatcherTrigger:
		w.text("subsystem", t.Subsystem)
		w.textMap("properties", t.Properties)
	case ToastNotificationActionTrigger:
		w.text("tag", t.Tag)
	case PushNotificationTrigger:
		w.text("application_id", t.ApplicationID)
	}
	w.close('}')
}

// triggerMembers are those of all triggers: the tag may follow them.
type triggerMembers struct {
	class      string
	seen       uint // those that are there
	freshness  time.Duration
	oneShot    bool
	expr, zone string
	system     SystemTriggerType
	id         string
	recurrence Recurrence
	paths      []string
	settle     time.Duration
	listen     string
	subsystem  string
	properties map[string]string
	tag        string
	app        string
}

const (
	hasTimer = 1 << iota
	hasOneShot
	hasCalendar
	hasSystem
	hasEvent
	hasPaths
	hasListen
	hasDevice
	hasTag
	hasApp
)

func (r *jsonReader) trigger() Trigger {
	if r.null() {
		return nil
	}
	var m triggerMembers
	r.object(func(key string) bool { return r.triggerMember(&m, key) })
	if r.err != nil {
		return nil
	}
	t, may := m.trigger()
	switch {
	case t == nil:
		r.fail("an unknown trigger type %q", clip(m.class, 64))
	case m.class == "SystemTrigger" && m.system == OnInvalid:
		r.fail("a trigger_type is expected")
	case m.seen&^may != 0:
		r.fail("a member that is not one of a %s", m.class)
	}
	return t
}

func (r *jsonReader) triggerMember(m *triggerMembers, key string) bool {
	member := uint(0)
	switch key {
	case "type":
		m.class = r.text()
	case "freshness_s":
		m.freshness, member = r.seconds(), hasTimer
	case "one_shot":
		m.oneShot, member = r.bool(), hasOneShot
	case "expr":
		m.expr, member = r.text(), hasCalendar
	case "zone":
		m.zone, member = r.text(), hasCalendar
	case "trigger_type":
		m.system, member = enum(r, ParseSystemTriggerType), hasSystem
	case "trigger_type_number":
		r.int() // says the same
	case "id":
		m.id, member = r.text(), hasEvent
	case "recurrence":
		m.recurrence, member = enum(r, ParseRecurrence), hasEvent
	case "recurrence_number":
		r.int()
	case "paths":
		m.paths, member = r.texts(), hasPaths
	case "settle_s":
		m.settle, member = r.seconds(), hasPaths
	case "listen":
		m.listen, member = r.text(), hasListen
	case "subsystem":
		m.subsystem, member = r.text(), hasDevice
	case "properties":
		m.properties, member = r.textMap(), hasDevice
	case "tag":
		m.tag, member = r.text(), hasTag
	case "application_id":
		m.app, member = r.text(), hasApp
	default:
		return false
	}
	m.seen |= member
	return true
}

// trigger makes the trigger of the class, and says which members it may have.
func (m *triggerMembers) trigger() (t Trigger, may uint) {
	switch m.class {
	case "TimeTrigger":
		return TimeTrigger{m.freshness, m.oneShot}, hasTimer | hasOneShot
	case "MaintenanceTrigger":
		return MaintenanceTrigger{m.freshness, m.oneShot}, hasTimer | hasOneShot
	case "CalendarTrigger":
		return CalendarTrigger{m.expr, m.zone, m.oneShot}, hasCalendar | hasOneShot
	case "SystemTrigger":
		return SystemTrigger{m.system, m.oneShot}, hasSystem | hasOneShot
	case "ApplicationTrigger":
		return ApplicationTrigger{}, 0
	case "CustomSystemEventTrigger":
		return CustomSystemEventTrigger{m.id, m.recurrence}, hasEvent
	case "StorageLibraryContentChangedTrigger":
		return StorageLibraryContentChangedTrigger{m.paths, m.settle}, hasPaths
	case "SocketActivityTrigger":
		return SocketActivityTrigger{m.listen}, hasListen
	case "DeviceWatcherTrigger":
		return DeviceWatcherTrigger{m.subsystem, m.properties}, hasDevice
	case "ToastNotificationActionTrigger":
		return ToastNotificationActionTrigger{m.tag}, hasTag
	case "PushNotificationTrigger":
		return PushNotificationTrigger{m.app}, hasApp
	}
	return nil, 0
}
