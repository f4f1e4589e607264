// Package classes holds what the conformance suite and its application share.
package classes

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// The classes of the application.
var (
	Many   = task.MustGUID("c0f00000-0000-4000-8000-000000000001")
	Single = task.MustGUID("c0f00000-0000-4000-8000-000000000002")
)

// Seen is a line of "app watch".
type Seen struct {
	Progress uint32
	Outcome  string
}

// Line is a line of the application's journal, in its local folder.
type Line struct {
	At        time.Time
	What      string // entered, canceled, late, left
	Task      string
	Instance  task.GUID
	PID       int
	Arguments []string // of the process
	Payload   string   // of the request
	Reason    string   // of canceled and late
}

// Journal returns the name of a process's journal file. Each process has its own file:
// under Wine two processes that append to one file overwrite each other's lines.
func Journal(process string) string { return "journal-" + process }

// LogEnv names the file in which a server writes its output.
const LogEnv = "CONFORMANCE_LOG"
