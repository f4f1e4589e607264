package engine

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// Event is something that happened. The set is sealed.
type Event interface{ event() }

// RequestID makes a changing call harmless twice: the same id again gets the
// same answer. The zero id is not remembered.
type RequestID = task.GUID

// Caller is who asks. All is the user's command line, which sees every package.
type Caller struct {
	Package string
	All     bool
}

// HostID names a host: one process.
type HostID = task.Process

// What clients ask for. Each is answered by one Reply with its Request.
type (
	// Register makes a new registration, or with Ensure finds the one of that
	// name and group and brings it up to date. Zone is the calendar's, loaded.
	Register struct {
		Request RequestID
		Caller  Caller
		Package string
		Spec    task.Spec
		Ensure  bool
		Unique  bool // refuse a taken name (bgtask add without --replace)
		Zone    *time.Location
	}
	// Unregister removes a registration; Cancel also cancels its live run.
	Unregister struct {
		Request RequestID
		Caller  Caller
		TaskID  task.GUID
		Cancel  bool
	}
	// Fire fires a registration: by the application (ApplicationTrigger), or by
	// hand. Now waives conditions and back-off.
	Fire struct {
		Request   RequestID
		Caller    Caller
		TaskID    task.GUID
		Arguments []byte
		ByHand    bool
		Now       bool
	}
	// Raise fires the CustomSystemEventTriggers of EventID in the caller's reach.
	Raise struct {
		Request RequestID
		Caller  Caller
		EventID string
		Payload []byte
	}
	// Cancel cancels the live run. Kill also ends a process that the user started.
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
	// RequestAccess turns an unspecified access into the policy's default.
	RequestAccess struct {
		Request RequestID
		Caller  Caller
	}
	// SetAccess is the user's word on a package.
	SetAccess struct {
		Request RequestID
		Package string
		Access  task.AccessStatus
	}
	// Install adds a package or updates it; to an earlier version only when
	// Downgrade says so.
	Install struct {
		Request   RequestID
		Package   task.Package
		Downgrade bool
	}
	// Imply makes the implied package of a program known; it changes nothing
	// when it is.
	Imply struct {
		Request RequestID
		Package task.Package
	}
	// Uninstall removes a package when its last process is gone. One of the
	// system's goes only when System says that its folder is gone.
	Uninstall struct {
		Request  RequestID
		Package  string
		KeepData bool
		System   bool
	}
	// OverrideFact sets a fact for testing until the broker ends, or for a time.
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
	// StopAll cancels all runs with Reason and answers when none is live or
	// Within (awake) has passed; nothing starts after it. Exit follows.
	StopAll struct {
		Request RequestID
		Reason  task.CancellationReason
		Within  time.Duration
	}
)

// What the world does.
type (
	// Tick is the timer's end, or a change of the wall clock.
	Tick struct{}
	// FactsReported are facts that belong together, from one source.
	FactsReported struct {
		Source string
		Facts  []task.Fact
	}
	// SourceChanged is what a source says of itself.
	SourceChanged struct{ State task.SourceState }
	// Occurred is what a watcher of files, sockets, devices or messages saw for a task.
	// Its answer says whether it was taken, and is not remembered.
	Occurred struct {
		Request RequestID // zero: nobody waits for an answer
		TaskID  task.GUID
		Details task.Details
	}
	// FoldersRemoved: nothing is left of a package that was removed.
	FoldersRemoved struct{ Package string }
	// HandOver stops all new starts: another broker follows.
	HandOver struct{}
)

// What hosts and processes do.
type (
	// Attached is a host's hello, at first or after its stream was lost: the
	// objects that it serves and the instances that it knows.
	Attached struct {
		Host      HostID
		Package   string
		Token     task.LaunchToken // zero: the user started it
		Active    bool             // it belongs to the active session
		Home      string           // the folder of an installed version in which its program lies; "": elsewhere
		Objects   []Object
		Instances []Held
	}
	// ObjectsChanged replaces the objects of a host: Resume, Suspend, revoke.
	ObjectsChanged struct {
		Host    HostID
		Objects []Object
	}
	// StreamLost: the host's stream ended, its process is alive as far as known.
	StreamLost struct{ Host HostID }
	// LeaveAsked: a host with nothing to do wants to go. Answered ConfirmLeave or Stay.
	LeaveRequested struct{ Host HostID }
	// Accepted: the host has entered Run.
	Accepted struct {
		Host     HostID
		Instance task.GUID
	}
	// Refused: the host cannot take the activation; its object is revoked.
	Refused struct {
		Host     HostID
		Instance task.GUID
		Text     string
	}
	// Progressed: SetProgress.
	Progressed struct {
		Host     HostID
		Instance task.GUID
		Value    uint32
	}
	// SaveCheckpoint is answered when it is durable.
	SaveCheckpoint struct {
		Request  RequestID
		Host     HostID
		Instance task.GUID
		Data     []byte
	}
	// Finished: Run returned and its deferrals are complete. Acknowledged.
	Finished struct {
		Host     HostID
		Instance task.GUID
		Result   Result
	}
	// ServerStarted: the process of a launch, after the fork or found again.
	ServerStarted struct {
		Token   task.LaunchToken
		Process task.Process
	}
	// StartFailed: the process could not be started. Lost says that after a
	// restart nothing carries the token, so that it may be launched again.
	StartFailed struct {
		Token task.LaunchToken
		Text  string
		Lost  bool
	}
	// Exited: a host's or a launch's process is gone, and its stream was read to
	// its end. For a launch, TreeEnded follows.
	Exited struct {
		Process task.Process
		Token   task.LaunchToken
		Exit    Exit
	}
	// TreeEnded: nothing carries the launch token any more; or, with Left, what even
	// SIGKILL did not end, and it comes again when that is gone.
	TreeEnded struct {
		Token task.LaunchToken
		Left  bool
	}
)

// What hosts speak of, in everybody's words.
type (
	Object = task.Object
	Held   = task.HeldInstance
	Result = task.Result
)

// Exit is how a process ended.
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
