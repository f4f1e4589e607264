// What is stored. Records hold only what a new broker needs to continue; everything
// else is derived again by Restore. A registration has two rows: Registration, which
// hardly changes, and Ledger, which changes with every firing. Only things that have
// not ended have a row: the row of an ended run or occurrence is deleted, and history
// keeps what happened.

package engine

import (
	"time"

	"github.com/bgtask/bgtask/task"
)

// UnixTime is an instant of the wall clock in nanoseconds since 1970; 0 is the zero
// time. A time.Time is three times as large, and every registration keeps some.
type UnixTime int64

// UnixTimeOf converts a time.
func UnixTimeOf(t time.Time) UnixTime {
	if t.IsZero() {
		return 0
	}
	return UnixTime(t.UnixNano())
}

// In shows the instant in a zone.
func (u UnixTime) In(zone *time.Location) time.Time {
	if u == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(u)).In(zone)
}

// Write is one change of the stored state. The set is sealed: Put, Delete, Append.
type Write interface{ write() }

type (
	// Put stores a record under its key, new or over the old one.
	Put struct{ Record Record }
	// Delete removes the record with the key fields of Record.
	Delete struct{ Record Record }
	// Append adds an event to history; its Seq is one more than the last.
	Append struct{ Event task.Event }
)

func (Put) write()    {}
func (Delete) write() {}
func (Append) write() {}

// Record is a row of the stored state. The set is sealed.
type Record interface{ record() }

type (
	// Clock anchors elapsed time (clock.go). There is one row.
	Clock struct {
		Boot    string        // boot id
		Base    time.Duration // elapsed = Base + CLOCK_BOOTTIME in that boot
		Elapsed time.Duration // last stored
		Wall    time.Time     // last stored
		Behind  bool          // the wall clock was behind Wall at boot and has not been corrected
		Login   uint64        // counts logins, for the recurrence Once
	}

	// Registration holds what does not change with every firing. Key: TaskID.
	Registration struct {
		TaskID     task.GUID
		Package    string
		Spec       task.Spec
		Registered time.Time
		Order      uint64 // of registering: of duplicates, the oldest stays
	}

	// Ledger holds what changes with every firing, in two parts: what nearly every
	// registration has, and what few have. Key: TaskID. Durations are points in elapsed
	// time.
	Ledger struct {
		TaskID task.GUID
		LedgerHot
		LedgerCold
	}

	// LedgerHot is the part of a Ledger that every registration keeps in memory.
	LedgerHot struct {
		State     RegState
		Disarmed  bool          // a one-shot that fired
		Alone     bool          // runs alone in its class server until it completed once
		Faults    int32         // in a row
		Tries     int32         // in a row: Retry and Lost
		Losses    int32         // in a row
		Firing    uint64        // last firing number
		Grid      time.Duration // anchor of the phase
		GridWall  UnixTime      // the same, for people
		Next      time.Duration // next grid point
		NotBefore time.Duration // back-off
	}

	// LedgerCold is the part of a Ledger that idle registrations share.
	LedgerCold struct {
		NextWall time.Time // next calendar instant
		LastWall time.Time // last calendar instant that came
		Cause    SuspendCause
		Since    time.Time       // of the suspension
		Text     string          // of the suspension, for people
		Probe    time.Duration   // when the next probe may run
		OnceIn   string          // the login in which an event with recurrence Once fired
		Starts   []time.Duration // by edges, within the last minute
		LastEnd  task.Ended
		LastRun  *task.Run
		Counts   task.Counts
	}

	// Occurrence is one that has not ended. Key: TaskID, First.
	Occurrence struct {
		TaskID   task.GUID
		First    uint64 // number of its first firing; never changes
		Number   uint64 // number of its last firing
		State    OccState
		Count    int           // of firings
		Missed   int           // instants that the firings make up for
		Due      time.Time     // when the last firing was due
		Observed time.Time     // when the first firing was seen
		Last     time.Time     // when the last firing was seen
		FirstAt  time.Duration // elapsed, of the first firing
		LastAt   time.Duration // elapsed, of the last firing
		Details  task.Details  // payload of the last firing
		By       FiredBy
		Waived   bool          // conditions do not count: fire --now, RunAnyway
		CatchUp  time.Duration // elapsed; it must not start before, shortly after sleep or boot
		Attempt  int           // runs of this Number so far
		Saved    *Checkpoint   // by an attempt of this occurrence
		Tries    []task.Run    // the latest attempts, at most 5
	}

	// Run is a run that has not ended. Key: ID. Durations are points in awake time.
	Run struct {
		ID                task.GUID
		TaskID            task.GUID
		First             uint64 // the first firing of its occurrence
		Number            uint64
		Attempt           int
		State             RunState
		Host              HostID                  // zero while it is Starting
		Token             task.LaunchToken        // of the launch that it waits for or runs in
		Started           time.Time               // when it was admitted
		Entered           time.Time               // when the host entered Run
		StartedAt         time.Duration           // awake
		EnteredAt         time.Duration           // awake
		SentAt            time.Duration           // awake
		Reason            task.CancellationReason // of its cancel
		Final             bool                    // its cancel ends the occurrence too: it is not latched again
		CancelAt          time.Duration           // awake: end of the grace
		TimedOut          bool                    // its cancel is because of the run limit
		Failing           string                  // the activation was not answered: the run will end ActivationFailed with this text
		Waived            bool                    // conditions do not count, as for its occurrence
		Outdated          bool                    // its registration was changed after it started: it continues under the earlier one
		Key               string                  // the Exclusive that it holds
		UnresponsiveSince time.Time               // when it became Unresponsive
		Version           string                  // of the package when its host came
		Edition           uint64                  // the same, counted
		Limit             time.Duration           // run limit; 0: none
	}

	// Launch is one start of a class server. Key: Token.
	Launch struct {
		Token   task.LaunchToken
		Package string
		Server  task.ClassServer
		Process task.Process
		State   ServerState
		At      time.Duration // awake, when it was started
		Wall    time.Time     // the same, for people
		Version string        // of the package
		Edition uint64        // the same, counted
	}

	// Package is an installed package. Key: Family.
	Package struct {
		task.Package
		Removing        bool
		KeepData        bool
		Servicing       bool   // being updated: live runs of the old version must end first
		PreviousVersion string // the version before
		Edition         uint64 // counts its updates: a process of an earlier edition gets no activation
		Gone            bool   // removed; only its folders remain
	}

	// Remembered is a stored Answer. Key: Request.
	Remembered struct{ Answer }

	// LastingFact is the last known value of a fact whose change counts as an edge even
	// if it happened while no broker was running. Key: Name.
	LastingFact struct {
		Name  string
		Value task.Value
	}
)

func (Clock) record()        {}
func (Registration) record() {}
func (Ledger) record()       {}
func (Occurrence) record()   {}
func (Run) record()          {}
func (Launch) record()       {}
func (Package) record()      {}
func (Remembered) record()   {}
func (LastingFact) record()  {}

// State is the whole stored state, as Restore takes it.
type State struct {
	Clock         Clock
	Packages      []Package
	Registrations []Registration
	Ledgers       []Ledger
	Occurrences   []Occurrence
	Runs          []Run
	Launches      []Launch
	Answers       []Remembered
	Facts         []LastingFact
	Seq           uint64 // of the last event in history

	Zones map[string]*time.Location // the time zones that calendars name, loaded by the broker
}

// FiredBy says what made an occurrence fire.
type FiredBy uint8

// The origins of a firing.
const (
	ByTimer FiredBy = iota
	ByCalendar
	ByEdge
	ByEvent
	ByApplication
	ByHand
	ByWatch // files, a socket, a device, a toast or a message
	ByServicing
)

// SuspendCause says what suspended a registration.
type SuspendCause uint8

// The causes of a suspension.
const (
	SuspendedByNothing SuspendCause = iota
	SuspendedByFaults
	SuspendedByActivation // the last fault was ActivationFailed
	SuspendedByNoClass    // the class is not declared, or the package is gone
)
