package wire

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// Caller is what the sender of a call claims to be.
type Caller struct {
	Package    string // "": the one whose folder holds the executable
	Executable string
	User       bool // the user's command line, which sees all packages
	Version    string
}

// Registered is the result of Register.
type Registered struct {
	TaskID   task.GUID
	Change   Change
	Warnings []string
	Replaced []task.GUID // duplicates that Ensure removed
}

// Installed is the result of InstallPackage.
type Installed struct {
	Package task.Package
	Change  Change
}

// Change says what Register or InstallPackage did.
type Change uint8

// The changes.
const (
	Unchanged Change = iota
	Added
	Updated
)

// TaskQuery selects registrations: those in no group, unless Groups or AllGroups is set.
type TaskQuery struct {
	Groups    []string
	AllGroups bool
	Package   string // "": all that the caller may see
}

// HistoryQuery selects stored events, newest first. Zero fields do not restrict.
type HistoryQuery struct {
	TaskID   task.GUID
	RunID    task.GUID
	Package  string
	Kinds    []task.EventKind
	Outcomes []task.Outcome // only ended runs with these outcomes
	Since    time.Time      // inclusive
	Until    time.Time      // exclusive
	Limit    int            // 0: all that are kept
}

// LogsQuery selects kept output.
type LogsQuery struct {
	TaskID   task.GUID
	RunID    task.GUID
	Launches int // the latest ones; 0: all that are kept
	Follow   bool
}

// WatchQuery selects the events of a watch, and where it begins.
type WatchQuery struct {
	Since   task.Cursor // "": begin with a snapshot
	TaskID  task.GUID   // zero: all that the caller may see
	Package string
}
