package bgtask

import "github.com/bgtask/bgtask/task"

// GUID is a 128-bit identifier: a CLSID, a TaskID, an InstanceID.
type GUID = task.GUID

// ParseGUID reads "14c5882b-35d3-41be-86b2-5106269b97e6".
func ParseGUID(s string) (GUID, error) { return task.ParseGUID(s) }

// MustGUID is ParseGUID for constants of a program; it panics on a bad one.
func MustGUID(s string) GUID { return task.MustGUID(s) }

// Triggers.
type (
	// Trigger says when a task fires.
	Trigger = task.Trigger
	// TimeTrigger fires every Freshness, or once.
	TimeTrigger = task.TimeTrigger
	// MaintenanceTrigger is a TimeTrigger that is held until on AC.
	MaintenanceTrigger = task.MaintenanceTrigger
	// CalendarTrigger fires at the instants of a calendar expression.
	CalendarTrigger = task.CalendarTrigger
	// SystemTrigger fires when something of the system changes.
	SystemTrigger = task.SystemTrigger
	// SystemTriggerType says what.
	SystemTriggerType = task.SystemTriggerType
	// ApplicationTrigger fires when the application calls Registration.Request.
	ApplicationTrigger = task.ApplicationTrigger
	// CustomSystemEventTrigger fires when somebody raises its event.
	CustomSystemEventTrigger = task.CustomSystemEventTrigger
	// Recurrence says how often it does.
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

// The types of SystemTrigger, WinRT's.
const (
	OnSmsReceived                  = task.OnSmsReceived
	OnUserPresent                  = task.OnUserPresent
	OnUserAway                     = task.OnUserAway
	OnNetworkStateChange           = task.OnNetworkStateChange
	OnControlChannelReset          = task.OnControlChannelReset
	OnInternetAvailable            = task.OnInternetAvailable
	OnSessionConnected             = task.OnSessionConnected
	OnServicingComplete            = task.OnServicingComplete
	OnLockScreenApplicationAdded   = task.OnLockScreenApplicationAdded
	OnLockScreenApplicationRemoved = task.OnLockScreenApplicationRemoved
	OnTimeZoneChange               = task.OnTimeZoneChange
	OnOnlineIdConnectedStateChange = task.OnOnlineIdConnectedStateChange
	OnBackgroundWorkCostChange     = task.OnBackgroundWorkCostChange
	OnPowerStateChange             = task.OnPowerStateChange
	OnDefaultSignInAccountChange   = task.OnDefaultSignInAccountChange
)

// The recurrences of a CustomSystemEventTrigger.
const (
	Once   = task.Once   // once per boot and login
	Always = task.Always // each time the event is raised
)

// Details of a firing, for Run: type switch on Instance.TriggerDetails.
type (
	// Details are what the trigger tells Run.
	Details = task.Details
	// TimeTriggerDetails are those of triggers by the clock.
	TimeTriggerDetails = task.TimeTriggerDetails
	// SystemTriggerDetails are those of SystemTrigger.
	SystemTriggerDetails = task.SystemTriggerDetails
	// ApplicationTriggerDetails are those of ApplicationTrigger.
	ApplicationTriggerDetails = task.ApplicationTriggerDetails
	// CustomSystemEventTriggerDetails are those of CustomSystemEventTrigger.
	CustomSystemEventTriggerDetails = task.CustomSystemEventTriggerDetails
	// StorageLibraryContentChangedTriggerDetails name the changed paths.
	StorageLibraryContentChangedTriggerDetails = task.StorageLibraryContentChangedTriggerDetails
	// SocketActivityTriggerDetails are those of SocketActivityTrigger.
	SocketActivityTriggerDetails = task.SocketActivityTriggerDetails
	// DeviceWatcherTriggerDetails are those of DeviceWatcherTrigger.
	DeviceWatcherTriggerDetails = task.DeviceWatcherTriggerDetails
	// ToastNotificationActionTriggerDetails are those of ToastNotificationActionTrigger.
	ToastNotificationActionTriggerDetails = task.ToastNotificationActionTriggerDetails
	// PushNotificationTriggerDetails are those of PushNotificationTrigger.
	PushNotificationTriggerDetails = task.PushNotificationTriggerDetails
	// ManualDetails are those of any trigger that was fired by hand.
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

// The system conditions: WinRT's eight, then ours.
const (
	UserPresent               = task.UserPresent
	UserNotPresent            = task.UserNotPresent
	InternetAvailable         = task.InternetAvailable
	InternetNotAvailable      = task.InternetNotAvailable
	SessionConnected          = task.SessionConnected
	SessionDisconnected       = task.SessionDisconnected
	FreeNetworkAvailable      = task.FreeNetworkAvailable
	BackgroundWorkCostNotHigh = task.BackgroundWorkCostNotHigh

	ACPower        = task.ACPower
	BatteryNotLow  = task.BatteryNotLow
	StorageNotLow  = task.StorageNotLow
	DeviceIdle     = task.DeviceIdle
	EnergySaverOff = task.EnergySaverOff
)

// Options of a registration.
type (
	// RetryPolicy says how another attempt is made; zero fields are the defaults.
	RetryPolicy = task.RetryPolicy
	// Misfire says what becomes of instants that were missed.
	Misfire = task.Misfire
	// MisfirePolicy is the choice in it.
	MisfirePolicy = task.MisfirePolicy
	// Hold limits how long an occurrence is held; zero is for ever.
	Hold = task.Hold
	// HoldThen says what happens then.
	HoldThen = task.HoldThen
	// Rule is a further demand on a Builder, for Validate.
	Rule = task.Rule
)

// What Misfire and Hold choose between.
const (
	RunOnce = task.RunOnce // the latest missed instant fires
	Skip    = task.Skip    // none fires
	RunAll  = task.RunAll  // the latest Max fire, each for itself

	Drop      = task.Drop      // what was held too long expires
	RunAnyway = task.RunAnyway // what was held too long runs, its conditions waived
)

// PortableToWindows is a Rule: what Windows would refuse too.
var PortableToWindows Rule = task.PortableToWindows

// CancellationReason says why a run is told to stop. It is an error, and the
// cause of the run's context: errors.Is(context.Cause(ctx), ReasonConditionLoss).
type CancellationReason = task.CancellationReason

// The reasons, with WinRT's numbers.
const (
	ReasonAbort                 = task.ReasonAbort
	ReasonTerminating           = task.ReasonTerminating
	ReasonLoggingOff            = task.ReasonLoggingOff
	ReasonServicingUpdate       = task.ReasonServicingUpdate
	ReasonIdleTask              = task.ReasonIdleTask
	ReasonUninstall             = task.ReasonUninstall
	ReasonConditionLoss         = task.ReasonConditionLoss
	ReasonSystemPolicy          = task.ReasonSystemPolicy
	ReasonQuietHoursEntered     = task.ReasonQuietHoursEntered
	ReasonExecutionTimeExceeded = task.ReasonExecutionTimeExceeded
	ReasonResourceRevocation    = task.ReasonResourceRevocation
	ReasonEnergySaver           = task.ReasonEnergySaver
)

// What can be read of a task and of its runs.
type (
	// Occurrence is the work that one firing, or several joined ones, ask for.
	Occurrence = task.Occurrence
	// Run is one attempt at an occurrence; its Err is the outcome.
	Run = task.Run
	// RunError is the outcome of a run that did not complete.
	RunError = task.RunError
	// Outcome is how a run ended.
	Outcome = task.Outcome
	// End is how an occurrence ended.
	End = task.End
	// Phase is what a registration is doing.
	Phase = task.Phase
	// State is what a registration is doing, in full; its String is for people.
	State = task.State
	// Reason is one thing that a pending occurrence waits for.
	Reason = task.Reason
	// Missed is a range of instants that did not fire.
	Missed = task.Missed
	// Explanation says why a task does not run; its String is "bgtask why".
	Explanation = task.Explanation
	// Event is one thing that happened.
	Event = task.Event
	// EventKind says what it tells.
	EventKind = task.EventKind
	// Cursor is a place in history: Event.Cursor.
	Cursor = task.Cursor
	// Fact is something true of the machine now.
	Fact = task.Fact
	// Value is a fact's value.
	Value = task.Value
	// AccessStatus says whether the application's tasks may run.
	AccessStatus = task.AccessStatus
)

// The outcomes of a run.
const (
	OutcomeNone      = task.OutcomeNone
	Completed        = task.Completed
	Failed           = task.Failed
	RetryAsked       = task.RetryAsked
	TimedOut         = task.TimedOut
	Canceled         = task.Canceled
	Crashed          = task.Crashed
	ActivationFailed = task.ActivationFailed
	Lost             = task.Lost
)

// The ends of an occurrence.
const (
	EndNone     = task.EndNone
	EndDone     = task.EndDone
	EndFailed   = task.EndFailed
	EndCanceled = task.EndCanceled
	EndGaveUp   = task.EndGaveUp
	EndExpired  = task.EndExpired
	EndRemoved  = task.EndRemoved
)

// The phases of a registration.
const (
	Waiting      = task.Waiting
	Held         = task.Held
	BackingOff   = task.BackingOff
	Starting     = task.Starting
	Running      = task.Running
	Canceling    = task.Canceling
	Unresponsive = task.Unresponsive
	Suspended    = task.Suspended
	Spent        = task.Spent
	Removing     = task.Removing
)

// The kinds of events.
const (
	EventSnapshot     = task.EventSnapshot
	EventSynced       = task.EventSynced
	EventRegistered   = task.EventRegistered
	EventChanged      = task.EventChanged
	EventUnregistered = task.EventUnregistered
	EventFired        = task.EventFired
	EventMissed       = task.EventMissed
	EventStarting     = task.EventStarting
	EventRunning      = task.EventRunning
	EventProgress     = task.EventProgress
	EventCanceling    = task.EventCanceling
	EventEnded        = task.EventEnded
	EventOccurrence   = task.EventOccurrence
	EventFact         = task.EventFact
	EventPackage      = task.EventPackage
	EventClock        = task.EventClock
)

// The access an application may have.
const (
	AccessUnspecified            = task.AccessUnspecified
	AlwaysAllowed                = task.AlwaysAllowed
	AllowedSubjectToSystemPolicy = task.AllowedSubjectToSystemPolicy
	DeniedBySystemPolicy         = task.DeniedBySystemPolicy
	DeniedByUser                 = task.DeniedByUser
)

// Error is what an operation fails with: one of the sentinels below and the words
// round it.
type Error = task.Error

// CursorError is ErrCursorExpired with the oldest cursor that is kept.
type CursorError = task.CursorError

// Hint is the remedy that err carries, or "".
func Hint(err error) string { return task.Hint(err) }

// Sentinels, for errors.Is.
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

	// ErrNotSupportedOnWindows is an ErrNotSupported too.
	ErrNotSupportedOnWindows = task.ErrNotSupportedOnWindows
)
