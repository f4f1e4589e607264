package task

import "time"

// Trigger says when a task fires. The set is sealed: a trigger that cannot fire
// here has no type, or is refused when it is registered.
type Trigger interface {
	// Class is WinRT's class name: "TimeTrigger".
	Class() string
	sealedTrigger()
}

// TimeTrigger fires every Freshness on a fixed grid from the registration on;
// once if OneShot. The least Freshness is the broker's policy (one minute), and
// 15 minutes on Windows; less is refused.
type TimeTrigger struct {
	Freshness time.Duration `json:"freshness_s"`
	OneShot   bool          `json:"one_shot"`
}

// MaintenanceTrigger fires as a TimeTrigger does. Its occurrences are held until the
// machine is on AC power. When AC power is lost, the run is canceled with Abort and its
// occurrence is held again.
type MaintenanceTrigger struct {
	Freshness time.Duration `json:"freshness_s"`
	OneShot   bool          `json:"one_shot"`
}

// CalendarTrigger fires at the instants of a calendar expression.
type CalendarTrigger struct {
	Expr    string `json:"expr"`     // five cron fields, or systemd's OnCalendar grammar
	Zone    string `json:"zone"`     // IANA name of the time zone; "": the machine's zone, also after it changes
	OneShot bool   `json:"one_shot"` // fire at the next instant only
}

// SystemTrigger fires on an edge of a fact.
type SystemTrigger struct {
	Type    SystemTriggerType `json:"trigger_type"`
	OneShot bool              `json:"one_shot"`
}

// ApplicationTrigger fires when the application asks for it: Registration.Request.
type ApplicationTrigger struct{}

// Recurrence says how often a CustomSystemEventTrigger fires; WinRT's numbers.
type Recurrence uint8

// Recurrences of a CustomSystemEventTrigger.
const (
	Once   Recurrence = 0 // once per boot and login
	Always Recurrence = 1 // each time the event is raised
)

var recurrenceNames = [...]string{"Once", "Always"}

// String is WinRT's name.
func (r Recurrence) String() string { return nameOf(recurrenceNames[:], int(r), "Recurrence") }

// CustomSystemEventTrigger fires when the event ID is raised, by Client.Raise or by
// "bgtask raise".
type CustomSystemEventTrigger struct {
	ID         string     `json:"id"`
	Recurrence Recurrence `json:"recurrence"`
}

// StorageLibraryContentChangedTrigger fires when something under Paths changed
// and has been quiet for Settle (2 s when zero).
type StorageLibraryContentChangedTrigger struct {
	Paths  []string      `json:"paths"`
	Settle time.Duration `json:"settle_s"`
}

// SocketActivityTrigger fires when a connection arrives on a socket that the
// broker holds: "tcp:127.0.0.1:8080", "unix:/run/user/1000/app.sock".
type SocketActivityTrigger struct {
	Listen string `json:"listen"`
}

// DeviceWatcherTrigger fires when a device of the kernel's Subsystem is added,
// removed or changed. Properties must all match, when there are any.
type DeviceWatcherTrigger struct {
	Subsystem  string            `json:"subsystem"`
	Properties map[string]string `json:"properties"`
}

// ToastNotificationActionTrigger fires when the user acts on a toast of the
// application: clicks it or one of its buttons, or replies. Tag narrows it to the
// toasts that have that tag; "" is all of the application's.
type ToastNotificationActionTrigger struct {
	Tag string `json:"tag"`
}

// PushNotificationTrigger fires when a push message arrives (UnifiedPush), at the
// endpoint that the application's push channel names. An application that has
// several channels distinguishes them by ApplicationID; "" is its only one. Messages
// that come while one is pending join it, and the last one's content is kept: with
// Queue each has its own run.
type PushNotificationTrigger struct {
	ApplicationID string `json:"application_id"`
}

// Class names, WinRT's.
func (TimeTrigger) Class() string              { return "TimeTrigger" }
func (MaintenanceTrigger) Class() string       { return "MaintenanceTrigger" }
func (CalendarTrigger) Class() string          { return "CalendarTrigger" }
func (SystemTrigger) Class() string            { return "SystemTrigger" }
func (ApplicationTrigger) Class() string       { return "ApplicationTrigger" }
func (CustomSystemEventTrigger) Class() string { return "CustomSystemEventTrigger" }
func (StorageLibraryContentChangedTrigger) Class() string {
	return "StorageLibraryContentChangedTrigger"
}
func (SocketActivityTrigger) Class() string          { return "SocketActivityTrigger" }
func (DeviceWatcherTrigger) Class() string           { return "DeviceWatcherTrigger" }
func (ToastNotificationActionTrigger) Class() string { return "ToastNotificationActionTrigger" }
func (PushNotificationTrigger) Class() string        { return "PushNotificationTrigger" }

func (TimeTrigger) sealedTrigger()                         {}
func (MaintenanceTrigger) sealedTrigger()                  {}
func (CalendarTrigger) sealedTrigger()                     {}
func (SystemTrigger) sealedTrigger()                       {}
func (ApplicationTrigger) sealedTrigger()                  {}
func (CustomSystemEventTrigger) sealedTrigger()            {}
func (StorageLibraryContentChangedTrigger) sealedTrigger() {}
func (SocketActivityTrigger) sealedTrigger()               {}
func (DeviceWatcherTrigger) sealedTrigger()                {}
func (ToastNotificationActionTrigger) sealedTrigger()      {}
func (PushNotificationTrigger) sealedTrigger()             {}

// SystemTriggerType is WinRT's, with its numbers.
type SystemTriggerType uint8

// Types of SystemTrigger, with WinRT's numbers.
const (
	OnInvalid                      SystemTriggerType = 0
	OnSmsReceived                  SystemTriggerType = 1
	OnUserPresent                  SystemTriggerType = 2
	OnUserAway                     SystemTriggerType = 3
	OnNetworkStateChange           SystemTriggerType = 4
	OnControlChannelReset          SystemTriggerType = 5
	OnInternetAvailable            SystemTriggerType = 6
	OnSessionConnected             SystemTriggerType = 7
	OnServicingComplete            SystemTriggerType = 8
	OnLockScreenApplicationAdded   SystemTriggerType = 9
	OnLockScreenApplicationRemoved SystemTriggerType = 10
	OnTimeZoneChange               SystemTriggerType = 11
	OnOnlineIdConnectedStateChange SystemTriggerType = 12
	OnBackgroundWorkCostChange     SystemTriggerType = 13
	OnPowerStateChange             SystemTriggerType = 14
	OnDefaultSignInAccountChange   SystemTriggerType = 15
)

// String is WinRT's name: "InternetAvailable".
func (t SystemTriggerType) String() string { return systemTriggers.name(t) }
