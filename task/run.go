package task

import (
	"strings"
	"time"
)

// Occurrence is the work that one firing, or several coalesced ones, ask for.
type Occurrence struct {
	Number   uint64    `json:"number"`   // of its last firing; be idempotent by it
	Due      time.Time `json:"due"`      // when it was to fire; the last firing's
	Observed time.Time `json:"observed"` // when the first firing was seen
	Last     time.Time `json:"last"`     // when the last firing was seen
	Count    int       `json:"count"`    // firings in it
	Missed   int       `json:"missed"`   // instants it makes up for beyond its own
}

// Run is one attempt at an occurrence.
type Run struct {
	ID         GUID               `json:"id"`
	TaskID     GUID               `json:"task_id"`
	Name       string             `json:"name"` // the task's
	Package    string             `json:"package"`
	Occurrence Occurrence         `json:"occurrence"`
	Attempt    int                `json:"attempt"` // from 1
	Host       string             `json:"host"`    // "the application", "launched"; "" when it never had one
	PID        int                `json:"pid,omitzero"`
	Launch     LaunchToken        `json:"launch"`  // zero when the application itself was the host
	Started    time.Time          `json:"started"` // when it was admitted
	Entered    time.Time          `json:"entered"` // when Run was entered; zero: never
	Ended      time.Time          `json:"ended"`   // zero while it is live
	Awake      time.Duration      `json:"-"`       // awake time between the two, which the run limit counts; 0: not known
	Progress   uint32             `json:"progress"`
	ProgressAt time.Time          `json:"progress_at"` // when it last changed; zero: never
	Outcome    Outcome            `json:"outcome,omitzero"`
	Reason     CancellationReason `json:"reason"` // of Canceled and TimedOut
	Forced     bool               `json:"forced"` // the broker ended the process
	Exit       string             `json:"exit"`   // "exit 3", "signal killed"; "" when not known
	Text       string             `json:"text"`   // the error's words, or why it could not be activated
	Stderr     string             `json:"stderr"` // the last lines that its process wrote
}

// Took is how long Run took, without the time that the machine slept and whatever
// the wall clock did; false: it was never entered, or is live.
func (r Run) Took() (time.Duration, bool) {
	switch {
	case r.Entered.IsZero() || r.Ended.IsZero():
		return 0, false
	case r.Awake > 0:
		return r.Awake, true
	}
	return max(0, r.Ended.Sub(r.Entered)), true
}

// Err is nil for a run that completed or is not over, otherwise a *RunError.
func (r Run) Err() error {
	switch r.Outcome {
	case OutcomeNone, Completed:
		return nil
	}
	return &RunError{Run: r}
}

// String describes the end of the run in a line: "completed in 19 ms", or the text
// of Err. For a run that has not ended, and for the zero Run, it is "not ended".
func (r Run) String() string {
	if r.Outcome == OutcomeNone {
		return "not ended"
	}
	if err := r.Err(); err != nil {
		return err.Error()
	}
	s := r.Outcome.String()
	if took, ok := r.Took(); ok {
		s += " in " + Duration(took)
	}
	return s
}

// RunError is the outcome of a run that did not complete, as an error. If the run
// was canceled or timed out, it unwraps to its CancellationReason.
type RunError struct{ Run Run }

// Error is the outcome in a line.
func (e *RunError) Error() string {
	s := e.Run.Outcome.String()
	if e.Run.Outcome == Canceled {
		s += ": " + e.Run.Reason.String()
	}
	if e.Run.Exit != "" {
		s += ", " + e.Run.Exit
	}
	if e.Run.Text != "" {
		s += ": " + e.Run.Text
	} else if line := lastLine(e.Run.Stderr); line != "" {
		s += ": " + line
	}
	return s
}

// lastLine is the last line of s that is not blank.
func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}

// Unwrap returns the reason of a canceled run, and nil for any other outcome.
func (e *RunError) Unwrap() error {
	if e.Run.Outcome == Canceled || e.Run.Outcome == TimedOut {
		return e.Run.Reason
	}
	return nil
}

// MissCause says why an instant was missed.
type MissCause uint8

// The causes of missed instants.
const (
	MissedLate       MissCause = iota // the broker was too busy to see it in time
	MissedAsleep                      // the machine slept
	MissedPoweredOff                  // the machine was off
	MissedBrokerDown                  // the broker was not running
	MissedClockStep                   // the clock jumped over it
	MissedHeld                        // under Skip: one was pending
	MissedOverlap                     // under Skip: one was live
	MissedSuspended                   // under Skip: the task is suspended
)

var missCauses = enumerateNames("MissCause", "cause of a miss", []Named[MissCause]{
	{MissedLate, "late"},
	{MissedAsleep, "asleep"},
	{MissedPoweredOff, "powered off"},
	{MissedBrokerDown, "broker down"},
	{MissedClockStep, "clock step"},
	{MissedHeld, "held"},
	{MissedOverlap, "overlap"},
	{MissedSuspended, "suspended"},
})

// MissCauses lists all causes of missed instants.
func MissCauses() []MissCause { return missCauses.numbers() }

// String is the word shown to users.
func (c MissCause) String() string { return missCauses.name(c) }

// Missed is a range of instants that did not fire.
type Missed struct {
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Count  int       `json:"count"`
	More   bool      `json:"more"` // there were more than Count
	Cause  MissCause `json:"cause"`
	MadeUp uint64    `json:"made_up_by,omitzero"` // the occurrence that makes up for them; 0: none
}

// State is what a registration is doing.
type State struct {
	Phase     Phase     `json:"phase"`
	Since     time.Time `json:"since"`
	Reasons   []Reason  `json:"reasons"`           // what it waits for, most important first
	Waiting   int       `json:"waiting"`           // firings that wait
	Next      time.Time `json:"next"`              // when it fires, or the next attempt; zero: unknown
	NextKnown bool      `json:"next_known"`        // Next is an instant (and not "when met" or "never")
	Run       *Run      `json:"run"`               // the live one
	Attempt   int       `json:"attempt,omitzero"`  // the one that comes next, when backing off
	Attempts  int       `json:"attempts,omitzero"` // and how many it has
	Faults    int       `json:"faults"`            // of a suspension by faults: how many in a row
	Fault     Outcome   `json:"fault,omitzero"`    // and what they were: Crashed or ActivationFailed
	Text      string    `json:"text"`              // of another suspension: why; of Waiting: for what (WaitsFor)
	Now       time.Time `json:"now"`               // when this was so: String counts durations to it
}

// Info is a registration as the broker shows it.
type Info struct {
	TaskID     GUID      `json:"task_id"`
	Package    string    `json:"package"` // family name
	Spec       Spec      `json:"spec"`
	Registered time.Time `json:"registered"`
	State      State     `json:"state"`
	LastEnd    *Ended    `json:"last_end"`
	LastRun    *Run      `json:"last_run"`
	Counts     Counts    `json:"counts"`
	Warnings   []string  `json:"warnings"` // a condition whose fact has no source here, ...
	Server     string    `json:"server"`   // its class server's command line, or ""
	Declared   string    `json:"declared"`
	GridFrom   time.Time `json:"grid_from"` // the anchor of a timer's grid
}

// Ended is the last occurrence that ended.
type Ended struct {
	Number uint64    `json:"number"`
	End    End       `json:"end,omitzero"`
	At     time.Time `json:"at"`
}

// Counts are what became of all runs of a registration.
type Counts struct {
	Runs      int           `json:"runs"`
	ByOutcome OutcomeCounts `json:"-"`
	Missed    int           `json:"missed"`
}

// Cursor is a place in history: what Watch returned last. "" is the beginning of
// now: a snapshot first.
type Cursor string

// EventKind is the kind of an Event.
type EventKind uint8

// Kinds of events.
const (
	EventSnapshot     EventKind = iota + 1 // a task as it is, when a watch begins
	EventSynced                            // the snapshot is complete
	EventRegistered                        // a new registration
	EventChanged                           // its registration, phase, access or suspension changed
	EventUnregistered                      // it is gone
	EventFired                             // its trigger fired
	EventMissed                            // instants were missed
	EventStarting                          // a run was admitted
	EventRunning                           // Run was entered
	EventProgress                          // progress of a run; not stored
	EventCanceling                         // a run was asked to stop
	EventEnded                             // a run ended
	EventOccurrence                        // an occurrence ended
	EventFact                              // a fact changed; not stored
	EventPackage                           // a package was installed, updated or removed
	EventClock                             // the wall clock was set, the machine slept or booted
)

var eventKinds = enumerateNames("EventKind", "kind of event", []Named[EventKind]{
	{EventSnapshot, "snapshot"},
	{EventSynced, "synced"},
	{EventRegistered, "registered"},
	{EventChanged, "changed"},
	{EventUnregistered, "unregistered"},
	{EventFired, "fired"},
	{EventMissed, "missed"},
	{EventStarting, "starting"},
	{EventRunning, "running"},
	{EventProgress, "progress"},
	{EventCanceling, "canceling"},
	{EventEnded, "ended"},
	{EventOccurrence, "occurrence"},
	{EventFact, "fact"},
	{EventPackage, "package"},
	{EventClock, "clock"},
})

// EventKinds lists all kinds of events.
func EventKinds() []EventKind { return eventKinds.numbers() }

// String is the word shown to users.
func (k EventKind) String() string { return eventKinds.name(k) }

// Event is one thing that happened. Stored ones have a sequence number of their
// own; progress and facts carry that of the last stored one.
type Event struct {
	Seq        uint64        `json:"seq"`
	Kind       EventKind     `json:"kind"`
	Time       time.Time     `json:"time"`        // wall, with offset
	Boot       string        `json:"boot"`        // boot id
	BootTime   time.Duration `json:"boot_time_s"` // CLOCK_BOOTTIME
	TaskID     GUID          `json:"task_id"`
	Package    string        `json:"package"`
	Name       string        `json:"name"`
	State      *State        `json:"state"`        // after it
	Occurrence *Occurrence   `json:"occurrence"`   // of fired, occurrence
	End        End           `json:"end,omitzero"` // of occurrence
	Run        *Run          `json:"run"`          // of starting, running, progress, canceling, ended
	Missed     *Missed       `json:"missed"`
	Fact       *Fact         `json:"fact"`
	Old        Value         `json:"old"`  // the fact's value before
	Info       *Info         `json:"info"` // of snapshot, registered
	Text       string        `json:"text"` // a sentence's end: "by its timer", "by hand", "the package was updated to 1.2"
}
