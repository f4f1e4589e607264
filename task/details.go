package task

import "time"

// Details are what the trigger tells Run: type switch on it.
type Details interface{ sealedDetails() }

// TimeTriggerDetails are those of TimeTrigger, MaintenanceTrigger and
// CalendarTrigger.
type TimeTriggerDetails struct {
	Due    time.Time
	Missed int // instants that this one makes up for
}

// SystemTriggerDetails are those of SystemTrigger.
type SystemTriggerDetails struct {
	Type     SystemTriggerType
	Old, New Value
}

// ApplicationTriggerDetails are those of ApplicationTrigger.
type ApplicationTriggerDetails struct {
	Arguments []byte
}

// CustomSystemEventTriggerDetails are those of CustomSystemEventTrigger.
type CustomSystemEventTriggerDetails struct {
	ID      string
	Payload []byte
}

// StorageLibraryContentChangedTriggerDetails name at most 1,000 changed paths.
type StorageLibraryContentChangedTriggerDetails struct {
	Paths    []string
	Overflow bool // there were more
}

// SocketActivityTriggerDetails are those of SocketActivityTrigger.
type SocketActivityTriggerDetails struct {
	Address string
}

// DeviceWatcherTriggerDetails are those of DeviceWatcherTrigger.
type DeviceWatcherTriggerDetails struct {
	Action     string // add, remove, change, ...
	Device     string // its path in sysfs
	Properties map[string]string
}

// ToastNotificationActionTriggerDetails are those of ToastNotificationActionTrigger.
type ToastNotificationActionTriggerDetails struct {
	Action    string // of the button; DefaultAction for the toast itself, ReplyAction for an answer
	ID        uint32 // of the toast, as ShowToast gave it
	Tag       string // of the toast
	UserInput string // what the user wrote, with ReplyAction
	// ActivationToken lets a program that is started take the focus: it belongs
	// into XDG_ACTIVATION_TOKEN of its environment. "": the desktop gave none.
	ActivationToken string
}

// PushNotificationTriggerDetails are those of PushNotificationTrigger.
type PushNotificationTriggerDetails struct {
	Content []byte
}

// ManualDetails are the details of a firing that did not come from the trigger:
// Registration.Request of a task that has no ApplicationTrigger, or "bgtask fire".
// The task's trigger, whatever it is, had no part in it.
type ManualDetails struct {
	Arguments []byte
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

// PayloadSize is the number of bytes that d holds for its run.
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
