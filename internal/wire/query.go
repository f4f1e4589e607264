package wire

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// Caller is who asks, in the caller's own words.
type Caller struct {
	Package    string // claimed; "": the one whose folder holds the executable
	Executable string
	User       bool // the user's command line, which sees all packages
	Version    string
}

// Registered is what Register did.
type Registered struct {
	TaskID   task.GUID
	Change   Change
	Warnings []string
	Replaced []task.GUID // duplicates that Ensure removed
}

// Installed is what InstallPackage did.
type Installed struct {
	Package task.Package
	Change  Change
}

// Change is what Register or InstallPackage did, in a word.
type Change uint8

// The changes.
const (
	Unchanged Change = iota
	Added
	Updated
)

// TaskQuery says which registrations to list: those in no group, unless Groups
// or AllGroups say otherwise.
type TaskQuery struct {
	Groups    []string
	AllGroups bool
	Package   string // "": all that the caller sees
}

// HistoryQuery says which stored events to read, newest first. Zero fields
// restrict nothing.
type HistoryQuery struct {
	TaskID   task.GUID
	RunID    task.GUID
	Package  string
	Kinds    []task.EventKind
	Outcomes []task.Outcome // of runs that ended
	Since    time.Time      // not before
	Until    time.Time      // before
	Limit    int            // 0: all that are kept
}

// LogsQuery says which kept output to read.
type LogsQuery struct {
	TaskID   task.GUID
	RunID    task.GUID
	Launches int // the latest ones; 0: all that are kept
	Follow   bool
}

// WatchQuery says what to watch.
type WatchQuery struct {
	Since   task.Cursor // "": a snapshot first
	TaskID  task.GUID   // zero: all that the caller sees
	Package string
}
