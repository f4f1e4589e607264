package task

import "time"

// Object is a class object that a host serves.
type Object struct {
	CLSID     GUID
	SingleUse bool // it serves one activation, then it is gone
	Suspended bool // invisible until it is resumed
}

// HeldInstance is an instance that an attaching host knows: running, or with its result.
type HeldInstance struct {
	Instance GUID
	TaskID   GUID // of its registration
	Progress uint32
	Result   *Result
}

// Result is how a run ended in the host's words. Outcome is Completed, Failed,
// RetryAsked, Crashed (a panic, or a command ended by a signal) or Canceled with
// Reason (Terminating if the host itself is ending).
type Result struct {
	Outcome Outcome
	Reason  CancellationReason
	Text    string // at most 4 KiB
	Exit    string // of a command: "exit 3"
}

// Checkpoint is what an earlier attempt saved.
type Checkpoint struct {
	Data    []byte
	Number  uint64 // of the occurrence that wrote it
	Version string // of the package that wrote it
}

// Activation is all that a host needs to enter Run.
type Activation struct {
	Instance   GUID
	TaskID     GUID
	Package    string
	CLSID      GUID
	Spec       Spec
	Registered time.Time
	Occurrence Occurrence
	Attempt    int
	Details    Details
	Checkpoint *Checkpoint
	Folder     string // LocalFolder
}
