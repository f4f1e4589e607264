package task

import "time"

// AppendDetails appends d in its short form, a union with the tag "type":
// {"type":"ApplicationTrigger","arguments":"aGk="}. nil is null.
func AppendDetails(dst []byte, d Details) []byte {
	w := &jsonWriter{b: dst, short: true}
	w.details(d)
	return w.b
}

// DecodeDetails reads what AppendDetails or MarshalJSON wrote; null is nil. Times
// come back in UTC.
func DecodeDetails(data []byte) (Details, error) {
	r := &jsonReader{b: data}
	d := r.details()
	if err := r.end(); err != nil {
		return nil, err
	}
	return d, nil
}

func marshalDetails(d Details) ([]byte, error) {
	w := &jsonWriter{b: make([]byte, 0, 128)}
	w.details(d)
	return w.b, nil
}

// MarshalJSON of details is a union with the tag "type".
func (d TimeTriggerDetails) MarshalJSON() ([]byte, error)              { return marshalDetails(d) }
func (d SystemTriggerDetails) MarshalJSON() ([]byte, error)            { return marshalDetails(d) }
func (d ApplicationTriggerDetails) MarshalJSON() ([]byte, error)       { return marshalDetails(d) }
func (d CustomSystemEventTriggerDetails) MarshalJSON() ([]byte, error) { return marshalDetails(d) }
func (d StorageLibraryContentChangedTriggerDetails) MarshalJSON() ([]byte, error) {
	return marshalDetails(d)
}
func (d SocketActivityTriggerDetails) MarshalJSON() ([]byte, error) { return marshalDetails(d) }
func (d DeviceWatcherTriggerDetails) MarshalJSON() ([]byte, error)  { return marshalDetails(d) }
func (d ToastNotificationActionTriggerDetails) MarshalJSON() ([]byte, error) {
	return marshalDetails(d)
}
func (d PushNotificationTriggerDetails) MarshalJSON() ([]byte, error) { return marshalDetails(d) }
func (d ManualDetails) MarshalJSON() ([]byte, error)                  { return marshalDetails(d) }

func (w *jsonWriter) details(d Details) {
	if d == nil {
		w.null()
		return
	}
	w.open('{')
	switch d := d.(type) {
	case TimeTriggerDetails:
		w.text("type", "TimeTrigger")
		w.time("due", d.Due)
		w.int("missed", d.Missed)
	case SystemTriggerDetails:
		w.text("type", "SystemTrigger")
		w.text("trigger_type", d.Type.String())
		w.number("trigger_type_number", int(d.Type), true)
		w.text("old", string(d.Old))
		w.text("new", string(d.New))
	case ApplicationTriggerDetails:
		w.text("type", "ApplicationTrigger")
		w.bytes("arguments", d.Arguments)
	case CustomSystemEventTriggerDetails:
		w.text("type", "CustomSystemEventTrigger")
		w.text("id", d.ID)
		w.bytes("payload", d.Payload)
	case StorageLibraryContentChangedTriggerDetails:
		w.text("type", "StorageLibraryContentChangedTrigger")
		w.texts("paths", d.Paths)
		w.bool("overflow", d.Overflow)
	case SocketActivityTriggerDetails:
		w.text("type", "SocketActivityTrigger")
		w.text("address", d.Address)
	case DeviceWatcherTriggerDetails:
		w.text("type", "DeviceWatcherTrigger")
		w.text("action", d.Action)
		w.text("device", d.Device)
		w.textMap("properties", d.Properties)
	case ToastNotificationActionTriggerDetails:
		w.text("type", "ToastNotificationActionTrigger")
		w.text("action", d.Action)
		w.uint("notification_id", uint64(d.ID))
		w.text("tag", d.Tag)
		w.text("user_input", d.UserInput)
		w.text("activation_token", d.ActivationToken)
	case PushNotificationTriggerDetails:
		w.text("type", "PushNotificationTrigger")
		w.bytes("content", d.Content)
	case ManualDetails:
		w.text("type", "Manual")
		w.bytes("arguments", d.Arguments)
	}
	w.close('}')
}

// detailMembers are those of all details: the tag may follow them.
type detailMembers struct {
	class          string
	seen           uint
	due            time.Time
	missed         int
	system         SystemTriggerType
	before, after  Value
	bytes          []byte // arguments, payload, content
	id             string
	paths          []string
	overflow       bool
	address        string
	action, device string
	properties     map[string]string
	notification   uint32
	tag, input     string
	token          string
}

const (
	hasDue = 1 << iota
	hasChange
	hasArguments
	hasID
	hasPayload
	hasChanged
	hasAddress
	hasAction
	hasDeviceEvent
	hasNotification
	hasContent
)

func (r *jsonReader) details() Details {
	if r.null() {
		return nil
	}
	var m detailMembers
	r.object(func(key string) bool { return r.detailMember(&m, key) })
	if r.err != nil {
		return nil
	}
	d, may := m.details()
	switch {
	case d == nil:
		r.fail("unknown details %q", clip(m.class, 64))
	case m.class == "SystemTrigger" && m.system == OnInvalid:
		r.fail("a trigger_type is expected")
	case m.seen&^may != 0:
		r.fail("a member that is not one of the details of a %s", m.class)
	}
	return d
}

func (r *jsonReader) detailMember(m *detailMembers, key string) bool {
	member := uint(0)
	switch key {
	case "type":
		m.class = r.text()
	case "due":
		m.due, member = r.time(), hasDue
	case "missed":
		m.missed, member = r.int(), hasDue
	case "trigger_type":
		m.system, member = enum(r, ParseSystemTriggerType), hasChange
	case "trigger_type_number":
		r.int() // says the same
	case "old":
		m.before, member = Value(r.text()), hasChange
	case "new":
		m.after, member = Value(r.text()), hasChange
	case "arguments":
		m.bytes, member = r.bytes(), hasArguments
	case "id":
		m.id, member = r.text(), hasID
	case "payload":
		m.bytes, member = r.bytes(), hasPayload
	case "paths":
		m.paths, member = r.texts(), hasChanged
	case "overflow":
		m.overflow, member = r.bool(), hasChanged
	case "address":
		m.address, member = r.text(), hasAddress
	case "action":
		m.action, member = r.text(), hasAction
	case "device":
		m.device, member = r.text(), hasDeviceEvent
	case "properties":
		m.properties, member = r.textMap(), hasDeviceEvent
	case "notification_id":
		m.notification, member = r.uint32(), hasNotification
	case "tag":
		m.tag, member = r.text(), hasNotification
	case "user_input":
		m.input, member = r.text(), hasNotification
	case "activation_token":
		m.token, member = r.text(), hasNotification
	case "content":
		m.bytes, member = r.bytes(), hasContent
	default:
		return false
	}
	m.seen |= member
	return true
}

func (m *detailMembers) details() (d Details, may uint) {
	switch m.class {
	case "TimeTrigger":
		return TimeTriggerDetails{m.due, m.missed}, hasDue
	case "SystemTrigger":
		return SystemTriggerDetails{m.system, m.before, m.after}, hasChange
	case "ApplicationTrigger":
		return ApplicationTriggerDetails{m.bytes}, hasArguments
	case "CustomSystemEventTrigger":
		return CustomSystemEventTriggerDetails{m.id, m.bytes}, hasID | hasPayload
	case "StorageLibraryContentChangedTrigger":
		return StorageLibraryContentChangedTriggerDetails{m.paths, m.overflow}, hasChanged
	case "SocketActivityTrigger":
		return SocketActivityTriggerDetails{m.address}, hasAddress
	case "DeviceWatcherTrigger":
		return DeviceWatcherTriggerDetails{m.action, m.device, m.properties}, hasAction | hasDeviceEvent
	case "ToastNotificationActionTrigger":
		return ToastNotificationActionTriggerDetails{m.action, m.notification, m.tag, m.input, m.token}, hasAction | hasNotification
	case "PushNotificationTrigger":
		return PushNotificationTriggerDetails{m.bytes}, hasContent
	case "Manual":
		return ManualDetails{m.bytes}, hasArguments
	}
	return nil, 0
}
