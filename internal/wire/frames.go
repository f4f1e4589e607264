package wire

import "github.com/bgtask/bgtask/task"

// HostFrame is what a host says on its stream. The set is sealed.
type HostFrame interface{ hostFrame() }

// BrokerFrame is what the broker says on a host's stream. The set is sealed.
type BrokerFrame interface{ brokerFrame() }

// What hosts say.
type (
	// Hello is the first frame, and only the first.
	Hello struct {
		Token     task.LaunchToken // zero: the user started it
		Objects   []task.Object
		Instances []task.HeldInstance
	}
	// ObjectsChanged replaces the host's objects.
	ObjectsChanged struct{ Objects []task.Object }
	// Accepted: Run was entered.
	Accepted struct{ Instance task.GUID }
	// Refused: the activation cannot be taken.
	Refused struct {
		Instance task.GUID
		Text     string
	}
	// Progress is the value of SetProgress.
	Progress struct {
		Instance task.GUID
		Value    uint32
	}
	// SaveCheckpoint is answered by CheckpointSaved with its Request.
	SaveCheckpoint struct {
		Request  task.GUID
		Instance task.GUID
		Data     []byte
	}
	// Finished: Run returned and its deferrals are complete. Answered by Acknowledge.
	Finished struct {
		Instance task.GUID
		Result   task.Result
	}
	// Leave asks to exit. Answered by LeaveConfirmed or Stay.
	Leave struct{}
)

// What the broker says.
type (
	// Welcome answers Hello.
	Welcome struct {
		Package  string
		Folder   string // LocalFolder
		Launched bool
	}
	// Activate asks to enter Run. Answered by Accepted or Refused.
	Activate struct{ Activation task.Activation }
	// CancelRun tells why a run must stop.
	CancelRun struct {
		Instance task.GUID
		Reason   task.CancellationReason
	}
	// Acknowledge: the outcome is recorded.
	Acknowledge struct{ Instance task.GUID }
	// CheckpointSaved: it is durable, or Err says why not.
	CheckpointSaved struct {
		Request task.GUID
		Err     error
	}
	// LeaveConfirmed lets the host exit.
	LeaveConfirmed struct{}
	// Stay keeps the host.
	Stay struct{}
	// Drop ends the stream. Stopping says that the broker was told to stop: attach
	// again when there is one. Otherwise the host shall not attach again.
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
