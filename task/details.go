package task

import "time"

// Details is what a trigger passes to Run. Use a type switch on it.
type Details interface{ sealedDetails() }

// TimeTriggerDetails are the details of a TimeTrigger, MaintenanceTrigger or
// CalendarTrigger.
type TimeTriggerDetails struct {
	Due    time.Time `json:"due"`
	Missed int       `json:"missed"` // instants that this one makes up for
}

// SystemTriggerDetails are the details of a SystemTrigger.
type SystemTriggerDetails struct {
	Type SystemTriggerType `json:"trigger_type"`
	Old  Value             `json:"old"`
	New  Value             `json:"new"`
}

// ApplicationTriggerDetails are the details of an ApplicationTrigger.
type ApplicationTriggerDetails struct {
	Arguments []byte `json:"arguments"`
}

// CustomSystemEventTriggerDetails are the details of a CustomSystemEventTrigger.
type CustomSystemEventTriggerDetails struct {
	ID      string `json:"id"`
	Payload []byte `json:"payload"`
}

// StorageLibraryContentChangedTriggerDetails name at most 1,000 changed paths.
type StorageLibraryContentChangedTriggerDetails struct {
	Paths    []string `json:"paths"`
	Overflow bool     `json:"overflow"` // there were more
}

// SocketActivityTriggerDetails are the details of a SocketActivityTrigger.
type SocketActivityTriggerDetails struct {
	Address string `json:"address"`
}

// DeviceWatcherTriggerDetails are the details of a DeviceWatcherTrigger.
type DeviceWatcherTriggerDetails struct {
	Action     string            `json:"action"` // add, remove, change, ...
	Device     string            `json:"device"` // its path in sysfs
	Properties map[string]string `json:"properties"`
}

// ToastNotificationActionTriggerDetails are the details of a ToastNotificationActionTrigger.
type ToastNotificationActionTriggerDetails struct {
	Action    string `json:"action"`          // key of the button; DefaultAction for the toast itself, ReplyAction for a reply
	ID        uint32 `json:"notification_id"` // of the toast, as ShowToast returned it
	Tag       string `json:"tag"`             // of the toast
	UserInput string `json:"user_input"`      // what the user wrote, with ReplyAction
	// ActivationToken lets a program that Run starts take the focus: pass it in the
	// environment variable XDG_ACTIVATION_TOKEN. It is "" if the desktop gave none.
	ActivationToken string `json:"activation_token"`
}

// PushNotificationTriggerDetails are the details of a PushNotificationTrigger.
type PushNotificationTriggerDetails struct {
	Content []byte `json:"content"`
}

// ManualDetails are the details of a firing that did not come from the trigger:
// Registration.Request of a task that has no ApplicationTrigger, or "bgtask fire".
type ManualDetails struct {
	Arguments []byte `json:"arguments"`
}

func (TimeTriggerDetails) sealedDetails()                         {}
func (SystemTriggerDetails) sealedDetails()                       {}
func (ApplicationTriggerDetails) sealedDetails()                  {}
func (CustomSystemEventTriggerDetails) sealedDetails()            {}
func (StorageLibraryContentChangedTriggerDetails) sealedDetails() {}
func (SocketActivityTriggerDetails) sealedDetails()               {}
func (DeviceWatcherTriggerDetails) sealedDetails()                {}
func (ToastNotificationActionTriggerDetails) sealedDetails()      {}
func (PushNotificationTriggerDetails) sealedDetails()             {}
func (ManualDetails) sealedDetails()                              {}

// PayloadSize returns the size of d in bytes, as it counts against the limits.
func PayloadSize(d Details) int {
	switch d := d.(type) {
	case ApplicationTriggerDetails:
		return len(d.Arguments)
	case CustomSystemEventTriggerDetails:
		return len(d.Payload)
	case PushNotificationTriggerDetails:
		return len(d.Content)
	case ToastNotificationActionTriggerDetails:
		return len(d.UserInput)
	case ManualDetails:
		return len(d.Arguments)
	case DeviceWatcherTriggerDetails:
		n := 0
		for name, value := range d.Properties {
			n += len(name) + len(value)
		}
		return n
	case StorageLibraryContentChangedTriggerDetails:
		n := 0
		for _, p := range d.Paths {
			n += len(p)
		}
		return n
	}
	return 0
}
