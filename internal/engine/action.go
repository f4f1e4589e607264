// What a step asks the broker to do: Output and its Actions. Every action carries the
// id that makes it harmless to repeat, because after a crash the next broker asks again
// for actions that may already have been performed.

package engine

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// Output is the result of a step. The broker commits all Writes in one transaction,
// then performs the Actions, then arms one timer for Wake. It may join several steps
// into one commit. A failed commit ends the broker.
type Output struct {
	Writes  []Write
	Actions []Action
	Wake    time.Duration // on CLOCK_BOOTTIME; 0: no deadline. Waking early is harmless
	Defect  error         // an invariant was violated; nothing else is set, and the engine must not be used any more
}

// Action is something for the broker to do after the commit. The set is sealed.
type Action interface{ action() }

// The actions.
type (
	// Reply answers a request.
	Reply struct {
		Request RequestID
		Answer  Answer
	}
	// Activate asks a host to enter Run. The host answers with Accepted or Refused, or
	// not at all.
	Activate struct {
		Host       HostID
		Activation task.Activation
	}
	// CancelRun asks a host to stop a run and gives the reason.
	CancelRun struct {
		Host     HostID
		Instance task.GUID
		Reason   task.CancellationReason
	}
	// Acknowledge confirms to a host that the outcome of its run is stored.
	Acknowledge struct {
		Host     HostID
		Instance task.GUID
	}
	// ConfirmLeave lets a host exit: no activation is on its way.
	ConfirmLeave struct{ Host HostID }
	// Stay refuses a host's request to leave.
	Stay struct{ Host HostID }
	// DropHost closes a host's stream; Text says why.
	DropHost struct {
		Host HostID
		Text string
	}
	// StartServer starts a class server. ServerStarted or StartFailed follows.
	StartServer struct {
		Token   task.LaunchToken
		Package string
		Server  task.ClassServer
	}
	// FindProcess looks for a process that an earlier broker knew: by its identity, or
	// by the token if the identity is not known. ServerStarted, StartFailed or Exited
	// follows.
	FindProcess struct {
		Process task.Process
		Token   task.LaunchToken
	}
	// Signal sends SIGTERM, or SIGKILL if Kill is set, to the whole process tree of a
	// launch. If Token is zero, it signals only the process.
	Signal struct {
		Process task.Process
		Token   task.LaunchToken
		Kill    bool
	}
	// Watch starts watching files, a socket, devices, toasts or messages for a task. What
	// the watcher sees is reported as Occurred.
	Watch struct {
		TaskID  task.GUID
		Trigger task.Trigger
	}
	// Unwatch stops watching for a task.
	Unwatch struct{ TaskID task.GUID }
	// Notify sends an event that is not stored to those who watch the event stream.
	Notify struct{ Event task.Event }
	// RemoveFolders removes the folders of a package, and its data unless KeepData is
	// set. FoldersRemoved follows.
	RemoveFolders struct {
		Package  task.Package
		KeepData bool
	}
	// Stop ends the broker. It follows StopAll.
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

// Checkpoint is what an earlier attempt saved.
type Checkpoint = task.Checkpoint

// Answer is the reply to a request. It is kept for task.RequestsKept, so that repeating
// a request returns the same answer.
type Answer struct {
	Request  RequestID
	At       time.Duration // elapsed
	Code     string        // of a refusal, see task.Code; "" means success
	Detail   string
	Hint     string
	Subject  string
	TaskID   task.GUID
	Number   uint64   // of the occurrence, for Fire
	Change   Change   // for Register
	Tasks    []string // for Raise: the tasks that fired, as PACKAGE/NAME
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
