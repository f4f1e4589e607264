package task

import "time"

// Status is the state of the broker itself.
type Status struct {
	Version   string
	PID       int
	Started   time.Time
	StartedBy string // "systemd socket", "on demand", "by hand"
	Socket    string
	StateDir  string
	StoreSize int64 // bytes
	Tasks     int   // registrations
	LiveRuns  int
	Hosts     int
	Policy    Policy // with its defaults filled in
	Checks    []Check
}

// CheckLevel says how a check went.
type CheckLevel uint8

// The levels.
const (
	CheckOK CheckLevel = iota
	CheckWarn
	CheckFail
)

// String returns the word shown to users.
func (l CheckLevel) String() string {
	return nameOf([]string{"ok", "warn", "fail"}, int(l), "CheckLevel")
}

// Check is one line of "bgtask doctor".
type Check struct {
	Level   CheckLevel
	Subject string // what was checked, such as "linger"
	Text    string // what was found
	Fix     string // what to do about it
}

// Launch describes one start of a class server, for its kept output.
type Launch struct {
	Token   LaunchToken
	Package string
	Server  string // its command line, for people; only the task's name for a command task
	PID     int
	Started time.Time
	Ended   time.Time // zero: it has not ended
	Exit    string    // "exit 3", "signal: killed"
	Cut     bool      // the beginning of its output is no longer kept
}

// Output is a piece of a launch's kept output. The first piece of a launch has Launch
// and no Data; pieces with its data follow.
type Output struct {
	Launch *Launch
	Data   []byte
}
