package task

import "time"

// Status is the broker itself.
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

// String is the word shown to users.
func (l CheckLevel) String() string {
	return nameOf([]string{"ok", "warn", "fail"}, int(l), "CheckLevel")
}

// Check is one line of "bgtask doctor".
type Check struct {
	Level   CheckLevel
	Subject string // what was checked: "linger"
	Text    string // what was found
	Fix     string // what to do about it
}

// Launch is one start of a class server, as its kept output names it.
type Launch struct {
	Token   LaunchToken
	Package string
	Server  string // its command line, for people; of a command task its name only
	PID     int
	Started time.Time
	Ended   time.Time // zero: it has not
	Exit    string    // "exit 3", "signal: killed"
	Cut     bool      // the beginning of its output is not kept any more
}

// Output is a piece of a launch's kept output: first one with Launch and no
// Data, then its data.
type Output struct {
	Launch *Launch
	Data   []byte
}
