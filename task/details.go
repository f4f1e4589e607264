package task

import "time"

// Details is what a trigger passes to Run. Use a type switch on it.
type Details interface{ sealedDetails() }

// TimeTriggerDetails are those of TimeTrigger, MaintenanceTrigger and
// CalendarTrigger.
type TimeTriggerDetails struct {
	Due    time.Time `json:"due"`
	Missed int       `json:"missed"` // instants that this one makes up for
}

// SystemTriggerDetails are those of SystemTrigger.
type SystemTriggerDetails struct {
	Type SystemTriggerType `json:"trigger_type"`
	Old  Value             `json:"old"`
	New  Value             `json:"new"`
}

// ApplicationTriggerDetails are those of ApplicationTrigger.
type ApplicationTriggerDetails struct {
	Arguments []byte `json:"arguments"`
}

// CustomSystemEventTriggerDetails are those of CustomSystemEventTrigger.
type CustomSystemEventTriggerDetails struct {
	ID      string `json:"id"`
	Payload []byte `json:"payload"`
}

// StorageLibraryContentChangedTriggerDetails name at most 1,000 changed paths.
type StorageLibraryContentChangedTriggerDetails struct {
	Paths    []string `json:"paths"`
	Overflow bool     `json:"overflow"` // there were more
}

// SocketActivityTriggerDetails are those of SocketActivityTrigger.
type SocketActivityTriggerDetails struct {
	Address string `json:"address"`
}

// DeviceWatcherTriggerDetails are those of DeviceWatcherTrigger.
type DeviceWatcherTriggerDetails struct {
	Action     string            `json:"action"` // add, remove, change, ...
	Device     string            `json:"device"` // its path in sysfs
	Properties map[string]string `json:"properties"`
}

// ToastNotificationActionTriggerDetails are those of ToastNotificationActionTrigger.
type ToastNotificationActionTriggerDetails struct {
	Action    string `json:"action"`          // of the button; DefaultAction for the toast itself, ReplyAction for an answer
	ID        uint32 `json:"notification_id"` // of the toast, as ShowToast gave it
	Tag       string `json:"tag"`             // of the toast
	UserInput string `json:"user_input"`      // what the user wrote, with ReplyAction
	// ActivationToken lets a program that is started take the focus: it belongs
	// into XDG_ACTIVATION_TOKEN of its environment. "": the desktop gave none.
	ActivationToken string `json:"activation_token"`
}

// PushNotificationTriggerDetails are those of PushNotificationTrigger.
type PushNotificationTriggerDetails struct {
	Content []byte `json:"content"`
}

// ManualDetails are the details of a firing that did not come from the trigger:
// Registration.Request of a task that has no ApplicationTrigger, or "bgtask fire".
// The task's trigger, whatever it is, had no part in it.
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
