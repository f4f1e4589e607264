// What can happen: the sealed set of events, in three groups by their origin: clients,
// the machine, and hosts with their processes. An event states what happened and leaves
// every decision to the engine. Late events are normal: one that names an ended run, a
// gone host or an old launch is acknowledged and ignored (SEMANTICS section 9).

package engine

import (
	"time"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/task"
)

// Event is something that happened. The set is sealed.
type Event interface{ event() }

// RequestID makes a changing call safe to repeat: the same id gets the same answer. The
// zero id is not remembered.
type RequestID = task.GUID

// Caller identifies the client that makes a request. All is set for the user's command
// line, which reaches every package.
type Caller struct {
	Package string
	All     bool
}

// HostID names a host: one process.
type HostID = task.Process

// Requests of clients. Each is answered by one Reply with the same Request.
type (
	// Register makes a new registration. With Ensure, it updates the one with the same
	// name and group if there is one. Zone is the loaded time zone of a calendar
	// trigger.
	Register struct {
		Request RequestID
		Caller  Caller
		Package string
		Spec    task.Spec
		Ensure  bool
		Unique  bool // refuse a name that is in use (bgtask add without --replace)
		Zone    *time.Location
		// Calendar is the expression of a CalendarTrigger, where the shell has
		// parsed it to learn its zone. nil: the engine parses it.
		Calendar *calendar.Schedule
	}
	// Unregister removes a registration; Cancel also cancels its live run.
	Unregister struct {
		Request RequestID
		Caller  Caller
		TaskID  task.GUID
		Cancel  bool
	}
	// Fire fires a registration: by its application (ApplicationTrigger), or by hand.
	// Now waives conditions and back-off.
	Fire struct {
		Request   RequestID
		Caller    Caller
		TaskID    task.GUID
		Arguments []byte
		ByHand    bool
		Now       bool
	}
	// Raise fires the CustomSystemEventTriggers with EventID that the caller reaches.
	Raise struct {
		Request RequestID
		Caller  Caller
		EventID string
		Payload []byte
	}
	// Cancel cancels the live run. With Kill, the process is ended even if the user
	// started it.
	Cancel struct {
		Request RequestID
		Caller  Caller
		TaskID  task.GUID
		Reason  task.CancellationReason
		Kill    bool
	}
	// Resume ends a suspension or a back-off.
	Resume struct {
		Request RequestID
		Caller  Caller
		TaskID  task.GUID
	}
	// RequestAccess turns an unspecified access status into the policy's default.
	RequestAccess struct {
		Request RequestID
		Caller  Caller
	}
	// SetAccess sets the access status of a package, on behalf of the user.
	SetAccess struct {
		Request RequestID
		Package string
		Access  task.AccessStatus
	}
	// Install adds a package or updates it. It refuses an earlier version unless
	// Downgrade is set.
	Install struct {
		Request   RequestID
		Package   task.Package
		Downgrade bool
	}
	// Imply adds the implied package of a program, unless it is known already.
	Imply struct {
		Request RequestID
		Package task.Package
	}
	// Uninstall removes a package once its last process has exited. A package of the
	// system is removed only if System is set, which reports that its folder is gone.
	Uninstall struct {
		Request  RequestID
		Package  string
		KeepData bool
		System   bool
	}
	// OverrideFact sets a fact for testing, until the broker ends or, if For is not 0,
	// for that time.
	OverrideFact struct {
		Request RequestID
		Name    string
		Value   task.Value
		For     time.Duration
	}
	// ClearOverride ends one override, or all when Name is empty.
	ClearOverride struct {
		Request RequestID
		Name    string
	}
	// StopAll cancels all runs with Reason. It is answered when no run is live, or when
	// Within (awake time) has passed; until then nothing starts. The Stop action
	// follows.
	StopAll struct {
		Request RequestID
		Reason  task.CancellationReason
		Within  time.Duration
	}
)

// Events of the machine.
type (
	// Tick reports that the timer has ended or that the wall clock has changed.
	Tick struct{}
	// FactsReported carries facts from one source that belong together: all are set
	// before any of their edges fires.
	FactsReported struct {
		Source string
		Facts  []task.Fact
	}
	// SourceChanged carries the state that a source reports about itself.
	SourceChanged struct{ State task.SourceState }
	// Occurred reports what a watcher of files, sockets, devices, toasts or messages saw
	// for a task. Its answer says whether the firing was accepted; it is not remembered.
	Occurred struct {
		Request RequestID // zero: no answer is wanted
		TaskID  task.GUID
		Details task.Details
	}
	// FoldersRemoved reports that the folders of a removed package are gone.
	FoldersRemoved struct{ Package string }
	// HandOver stops all new starts, because another broker takes over.
	HandOver struct{}
)

// Events of hosts and processes.
type (
	// Attached is a host's hello, sent first and after a lost stream: the objects that
	// it serves and the instances that it knows.
	Attached struct {
		Host      HostID
		Package   string
		Token     task.LaunchToken // zero: the user started it
		Active    bool             // it belongs to the active session
		Home      string           // folder of the installed version that contains its program; "": none does
		Objects   []Object
		Instances []Held
	}
	// ObjectsChanged replaces the objects of a host, after Resume, Suspend or a
	// revocation.
	ObjectsChanged struct {
		Host    HostID
		Objects []Object
	}
	// StreamLost reports that a host's stream has ended. Its process may still be
	// alive.
	StreamLost struct{ Host HostID }
	// LeaveRequested reports that an idle host wants to exit. It is answered with
	// ConfirmLeave or Stay.
	LeaveRequested struct{ Host HostID }
	// Accepted reports that the host has entered Run.
	Accepted struct {
		Host     HostID
		Instance task.GUID
	}
	// Refused reports that the host cannot take the activation. Its object is revoked.
	Refused struct {
		Host     HostID
		Instance task.GUID
		Text     string
	}
	// Progressed reports a SetProgress.
	Progressed struct {
		Host     HostID
		Instance task.GUID
		Value    uint32
	}
	// SaveCheckpoint saves data for the next attempt. It is answered when the data is
	// stored.
	SaveCheckpoint struct {
		Request  RequestID
		Host     HostID
		Instance task.GUID
		Data     []byte
	}
	// Finished reports that Run has returned and its deferrals are complete. It is
	// always acknowledged.
	Finished struct {
		Host     HostID
		Instance task.GUID
		Result   Result
	}
	// ServerStarted reports the process of a launch, after it was started or found
	// again.
	ServerStarted struct {
		Token   task.LaunchToken
		Process task.Process
	}
	// StartFailed reports that a process could not be started. Lost is set after a
	// restart, when no process carries the token; the class server may then be launched
	// again.
	StartFailed struct {
		Token task.LaunchToken
		Text  string
		Lost  bool
	}
	// Exited reports that a process of a host or a launch is gone and that its stream
	// was read to the end. For a launch, TreeEnded follows.
	Exited struct {
		Process task.Process
		Token   task.LaunchToken
		Exit    Exit
	}
	// TreeEnded reports that no process carries the launch token any more. With Left,
	// some process survived even SIGKILL; the event is sent again when that one is
	// gone.
	TreeEnded struct {
		Token task.LaunchToken
		Left  bool
	}
)

// The types that hosts report, shared with the SDK.
type (
	// Object is a class object that a host shows.
	Object = task.Object
	// Held is an instance that a host still has when it attaches.
	Held = task.HeldInstance
	// Result is what Run returned.
	Result = task.Result
)

// Exit describes how a process ended.
type Exit struct {
	Known  bool
	Status string // "exit 3", "signal: killed"
	Stderr string // its last lines
}

func (Register) event()       {}
func (Unregister) event()     {}
func (Fire) event()           {}
func (Raise) event()          {}
func (Cancel) event()         {}
func (Resume) event()         {}
func (RequestAccess) event()  {}
func (SetAccess) event()      {}
func (Install) event()        {}
func (Imply) event()          {}
func (FoldersRemoved) event() {}
func (Uninstall) event()      {}
func (OverrideFact) event()   {}
func (ClearOverride) event()  {}
func (StopAll) event()        {}
func (Tick) event()           {}
func (FactsReported) event()  {}
func (SourceChanged) event()  {}
func (Occurred) event()       {}
func (HandOver) event()       {}
func (Attached) event()       {}
func (ObjectsChanged) event() {}
func (StreamLost) event()     {}
func (LeaveRequested) event() {}
func (Accepted) event()       {}
func (Refused) event()        {}
func (Progressed) event()     {}
func (SaveCheckpoint) event() {}
func (Finished) event()       {}
func (ServerStarted) event()  {}
func (StartFailed) event()    {}
func (Exited) event()         {}
func (TreeEnded) event()      {}
