package bgtask

import "github.com/bgtask/bgtask/task"

// GUID is a 128-bit identifier: a CLSID, TaskID or InstanceID.
type GUID = task.GUID

// ParseGUID parses the form "14c5882b-35d3-41be-86b2-5106269b97e6".
func ParseGUID(s string) (GUID, error) { return task.ParseGUID(s) }

// MustGUID is ParseGUID for constants in a program. It panics if s is not a GUID.
func MustGUID(s string) GUID { return task.MustGUID(s) }

// Triggers.
type (
	// Trigger says when a task fires.
	Trigger = task.Trigger
	// TimeTrigger fires every Freshness, or once.
	TimeTrigger = task.TimeTrigger
	// MaintenanceTrigger is a TimeTrigger whose task also needs AC power.
	MaintenanceTrigger = task.MaintenanceTrigger
	// CalendarTrigger fires at the instants of a calendar expression.
	CalendarTrigger = task.CalendarTrigger
	// SystemTrigger fires when a fact about the system changes.
	SystemTrigger = task.SystemTrigger
	// SystemTriggerType selects the change.
	SystemTriggerType = task.SystemTriggerType
	// ApplicationTrigger fires when the application calls Registration.Request.
	ApplicationTrigger = task.ApplicationTrigger
	// CustomSystemEventTrigger fires when its event is raised.
	CustomSystemEventTrigger = task.CustomSystemEventTrigger
	// Recurrence is how often a CustomSystemEventTrigger fires.
	Recurrence = task.Recurrence
	// StorageLibraryContentChangedTrigger fires when files change.
	StorageLibraryContentChangedTrigger = task.StorageLibraryContentChangedTrigger
	// SocketActivityTrigger fires when a connection arrives.
	SocketActivityTrigger = task.SocketActivityTrigger
	// DeviceWatcherTrigger fires when a device is added, removed or changed.
	DeviceWatcherTrigger = task.DeviceWatcherTrigger
	// ToastNotificationActionTrigger fires when the user acts on a toast.
	ToastNotificationActionTrigger = task.ToastNotificationActionTrigger
	// PushNotificationTrigger fires when a push message arrives.
	PushNotificationTrigger = task.PushNotificationTrigger
)

// Details of a firing, for Run: type switch on Instance.TriggerDetails.
type (
	// Details is the sealed set of details of a firing.
	Details = task.Details
	// TimeTriggerDetails are the details of triggers by time: Time, Maintenance, Calendar.
	TimeTriggerDetails = task.TimeTriggerDetails
	// SystemTriggerDetails are the details of a SystemTrigger.
	SystemTriggerDetails = task.SystemTriggerDetails
	// ApplicationTriggerDetails are the details of an ApplicationTrigger.
	ApplicationTriggerDetails = task.ApplicationTriggerDetails
	// CustomSystemEventTriggerDetails are the details of a CustomSystemEventTrigger.
	CustomSystemEventTriggerDetails = task.CustomSystemEventTriggerDetails
	// StorageLibraryContentChangedTriggerDetails name the changed paths.
	StorageLibraryContentChangedTriggerDetails = task.StorageLibraryContentChangedTriggerDetails
	// SocketActivityTriggerDetails are the details of a SocketActivityTrigger.
	SocketActivityTriggerDetails = task.SocketActivityTriggerDetails
	// DeviceWatcherTriggerDetails are the details of a DeviceWatcherTrigger.
	DeviceWatcherTriggerDetails = task.DeviceWatcherTriggerDetails
	// ToastNotificationActionTriggerDetails are the details of a
	// ToastNotificationActionTrigger.
	ToastNotificationActionTriggerDetails = task.ToastNotificationActionTriggerDetails
	// PushNotificationTriggerDetails are the details of a PushNotificationTrigger.
	PushNotificationTriggerDetails = task.PushNotificationTriggerDetails
	// ManualDetails are the details of a firing that did not come from the trigger:
	// Registration.Request without an ApplicationTrigger, or "bgtask fire".
	ManualDetails = task.ManualDetails
)

// Conditions.
type (
	// Condition must hold before a run starts.
	Condition = task.Condition
	// SystemCondition is a condition without parameters.
	SystemCondition = task.SystemCondition
)

// OrUnknown returns a condition that holds when c does, and counts as holding while
// nothing on the machine knows whether c holds.
func OrUnknown(c Condition) Condition { return task.OrUnknown(c) }

// Options of a registration.
type (
	// RetryPolicy is how often and how soon another attempt is made. Zero fields have
	// their defaults.
	RetryPolicy = task.RetryPolicy
	// Misfire is what happens to instants that were missed.
	Misfire = task.Misfire
	// MisfirePolicy is the policy in a Misfire.
	MisfirePolicy = task.MisfirePolicy
	// Hold limits how long an occurrence is held; the zero Hold is no limit.
	Hold = task.Hold
	// HoldThen is what happens to an occurrence at the end of its Hold.
	HoldThen = task.HoldThen
	// Rule is an additional check for Builder.Validate.
	Rule = task.Rule
)

// PortableToWindows is a Rule that finds what Windows would refuse.
var PortableToWindows Rule = task.PortableToWindows

// CancellationReason is why a run is canceled. It is an error, and the cause of the
// run's context: errors.Is(context.Cause(ctx), ReasonConditionLoss).
type CancellationReason = task.CancellationReason

// What can be read about a task and its runs.
type (
	// Occurrence is the work of one firing, or of several coalesced ones.
	Occurrence = task.Occurrence
	// Run is one attempt at an occurrence. Its Err is the outcome as an error.
	Run = task.Run
	// RunError is the outcome of a run that did not complete, as an error.
	RunError = task.RunError
	// Outcome is how a run ended.
	Outcome = task.Outcome
	// End is how an occurrence ended.
	End = task.End
	// Phase is what a registration is doing.
	Phase = task.Phase
	// State is the full state of a registration. Its String is for people.
	State = task.State
	// Reason is one thing that a pending occurrence is waiting for.
	Reason = task.Reason
	// Missed is a range of instants that did not fire.
	Missed = task.Missed
	// Explanation is why a task is, or is not, running. Its String is the output of
	// "bgtask why".
	Explanation = task.Explanation
	// Event is one entry of the history, or a change that is only watched.
	Event = task.Event
	// EventKind is what an Event reports.
	EventKind = task.EventKind
	// Cursor is a position in the history, for Watch. See Event.Cursor.
	Cursor = task.Cursor
	// Fact is something that is true about the machine now.
	Fact = task.Fact
	// Value is a fact's value.
	Value = task.Value
	// AccessStatus is whether the application's tasks may run.
	AccessStatus = task.AccessStatus
)

// Error is the error of an operation. It wraps one of the sentinels below and adds the
// operation, its subject, the cause, and usually a hint.
type Error = task.Error

// CursorError wraps ErrCursorExpired and holds the oldest cursor that is still valid.
type CursorError = task.CursorError

// Hint returns the suggested remedy in err, or "".
func Hint(err error) string { return task.Hint(err) }

// Sentinel errors, for errors.Is.
var (
	ErrInvalid             = task.ErrInvalid
	ErrTriggerNotSupported = task.ErrTriggerNotSupported
	ErrNotSupported        = task.ErrNotSupported
	ErrClassNotDeclared    = task.ErrClassNotDeclared
	ErrNotRegistered       = task.ErrNotRegistered
	ErrCurrentlyRunning    = task.ErrCurrentlyRunning
	ErrQueueFull           = task.ErrQueueFull
	ErrAccessDenied        = task.ErrAccessDenied
	ErrDisabledByPolicy    = task.ErrDisabledByPolicy
	ErrNoPackage           = task.ErrNoPackage
	ErrLimit               = task.ErrLimit
	ErrUnavailable         = task.ErrUnavailable
	ErrBusy                = task.ErrBusy
	ErrCursorExpired       = task.ErrCursorExpired
	ErrWatchLagged         = task.ErrWatchLagged
	ErrConflict            = task.ErrConflict
	ErrInternal            = task.ErrInternal

	// ErrNotSupportedOnWindows wraps ErrNotSupported.
	ErrNotSupportedOnWindows = task.ErrNotSupportedOnWindows
)
