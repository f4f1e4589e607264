package wire

import "github.com/bgtask/bgtask/task"

// HostFrame is a message of a host on its stream. The set is sealed.
type HostFrame interface{ hostFrame() }

// BrokerFrame is a message of the broker on a host's stream. The set is sealed.
type BrokerFrame interface{ brokerFrame() }

// Frames of hosts.
type (
	// Hello is the first frame, and only the first.
	Hello struct {
		Token     task.LaunchToken // zero: started by the user
		Objects   []task.Object
		Instances []task.HeldInstance
	}
	// ObjectsChanged replaces the host's objects.
	ObjectsChanged struct{ Objects []task.Object }
	// Accepted reports that Run was entered.
	Accepted struct{ Instance task.GUID }
	// Refused reports that the host cannot take the activation.
	Refused struct {
		Instance task.GUID
		Text     string
	}
	// Progress is the value of SetProgress.
	Progress struct {
		Instance task.GUID
		Value    uint32
	}
	// SaveCheckpoint asks to store a checkpoint. The broker answers with CheckpointSaved.
	SaveCheckpoint struct {
		Request  task.GUID
		Instance task.GUID
		Data     []byte
	}
	// Finished reports that Run returned and its deferrals are complete. The broker answers
	// with Acknowledge.
	Finished struct {
		Instance task.GUID
		Result   task.Result
	}
	// Leave asks to exit. The broker answers with LeaveConfirmed or Stay.
	Leave struct{}
)

// Frames of the broker.
type (
	// Welcome answers Hello.
	Welcome struct {
		Package  string
		Folder   string // LocalFolder
		Launched bool
	}
	// Activate asks to enter Run. The host answers with Accepted or Refused.
	Activate struct{ Activation task.Activation }
	// CancelRun asks a run to stop.
	CancelRun struct {
		Instance task.GUID
		Reason   task.CancellationReason
	}
	// Acknowledge reports that the outcome is recorded.
	Acknowledge struct{ Instance task.GUID }
	// CheckpointSaved reports that a checkpoint is durable. Otherwise Err says why not.
	CheckpointSaved struct {
		Request task.GUID
		Err     error
	}
	// LeaveConfirmed lets the host exit.
	LeaveConfirmed struct{}
	// Stay keeps the host.
	Stay struct{}
	// Drop ends the stream. With Stopping, the broker is shutting down, and the host
	// attaches to the next one. Otherwise the host must not attach again.
	Drop struct {
		Text     string
		Stopping bool
	}
)

func (Hello) hostFrame()          {}
func (ObjectsChanged) hostFrame() {}
func (Accepted) hostFrame()       {}
func (Refused) hostFrame()        {}
func (Progress) hostFrame()       {}
func (SaveCheckpoint) hostFrame() {}
func (Finished) hostFrame()       {}
func (Leave) hostFrame()          {}

func (Welcome) brokerFrame()         {}
func (Activate) brokerFrame()        {}
func (CancelRun) brokerFrame()       {}
func (Acknowledge) brokerFrame()     {}
func (CheckpointSaved) brokerFrame() {}
func (LeaveConfirmed) brokerFrame()  {}
func (Stay) brokerFrame()            {}
func (Drop) brokerFrame()            {}
