package engine

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// Output is what a step asks for, in this order: commit all Writes in one
// transaction, then perform the Actions, then arm the timer for Wake. Steps may
// be joined into one commit; a failed commit ends the broker.
type Output struct {
	Writes  []Write
	Actions []Action
	Wake    time.Duration // on CLOCK_BOOTTIME; 0: no deadline. Early is harmless
	Defect  error         // the event was refused: a move that the tables do not have
}

// Action is something to do after the commit. The set is sealed. Each carries
// the id that makes it harmless twice.
type Action interface{ action() }

// What the shell does.
type (
	// Reply answers a request.
	Reply struct {
		Request RequestID
		Answer  Answer
	}
	// Activate asks a host to enter Run. Accepted, Refused or silence follow.
	Activate struct {
		Host       HostID
		Activation Activation
	}
	// CancelRun tells a host why its run must stop.
	CancelRun struct {
		Host     HostID
		Instance task.GUID
		Reason   task.CancellationReason
	}
	// Acknowledge tells a host that its outcome is recorded.
	Acknowledge struct {
		Host     HostID
		Instance task.GUID
	}
	// ConfirmLeave lets a host exit: no activation is on its way.
	ConfirmLeave struct{ Host HostID }
	// Stay keeps a host that wanted to leave.
	Stay struct{ Host HostID }
	// DropHost closes a host's stream.
	DropHost struct {
		Host HostID
		Text string
	}
	// StartServer starts a class server. ServerStarted or StartFailed follow.
	StartServer struct {
		Token   task.LaunchToken
		Package string
		Server  task.ClassServer
	}
	// FindProcess looks after a process of the broker's last life: by its
	// identity, or by the token when that is not known. ServerStarted, StartFailed
	// or Exited follow.
	FindProcess struct {
		Process task.Process
		Token   task.LaunchToken
	}
	// Signal sends SIGTERM, or SIGKILL, to a launch's whole tree; to the process
	// alone when Token is zero.
	Signal struct {
		Process task.Process
		Token   task.LaunchToken
		Kill    bool
	}
	// Watch asks the watchers of files, sockets and devices to report Occurred.
	Watch struct {
		TaskID  task.GUID
		Trigger task.Trigger
	}
	// Unwatch ends a Watch.
	Unwatch struct{ TaskID task.GUID }
	// Notify tells the watchers of the event stream what is not stored.
	Notify struct{ Event task.Event }
	// RemoveFolders removes what a package left. FoldersRemoved follows.
	RemoveFolders struct {
		Package  task.Package
		KeepData bool
	}
	// Stop ends the broker: after StopAll.
	Stop struct{}
)

func (Reply) action()         {}
func (Activate) action()      {}
func (CancelRun) action()     {}
func (Acknowledge) action()   {}
func (ConfirmLeave) action()  {}
func (Stay) action()          {}
func (DropHost) action()      {}
func (StartServer) action()   {}
func (FindProcess) action()   {}
func (Signal) action()        {}
func (Watch) action()         {}
func (Unwatch) action()       {}
func (Notify) action()        {}
func (RemoveFolders) action() {}
func (Stop) action()          {}

// Activation is all that a host needs to enter Run.
type Activation struct {
	Instance   task.GUID
	TaskID     task.GUID
	Package    string
	CLSID      task.GUID
	Spec       task.Spec
	Registered time.Time
	Occurrence task.Occurrence
	Attempt    int
	Details    task.Details
	Checkpoint *Checkpoint
	Folder     string // LocalFolder
}

// Checkpoint is what an earlier attempt saved.
type Checkpoint = task.Checkpoint

// Answer is the reply to a request, kept for a day so that the same request
// gets the same answer.
type Answer struct {
	Request  RequestID
	At       time.Duration // elapsed
	Code     string        // of a refusal: task.Code; "" is success
	Detail   string
	Hint     string
	Subject  string
	TaskID   task.GUID
	Number   uint64   // of the occurrence, for Fire
	Change   Change   // for Register
	Tasks    []string // for Raise: who took it, PACKAGE/NAME
	Warnings []string
	Access   task.AccessStatus
	Replaced []task.GUID // for Ensure: duplicates that were removed
}

// Change is what Register did.
type Change uint8

// The changes.
const (
	Unchanged Change = iota
	Added
	Updated
)
