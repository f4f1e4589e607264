package task

import "time"

// Supposition is what a fact is taken to be for a while.
type Supposition struct {
	Fact  string
	Value Value
	From  time.Time // zero: from the beginning
	Until time.Time // zero: to the end; at this instant it is over
}

// Simulation is the answer to: which runs would happen when? It ends at Until, where
// nothing is done any more.
type Simulation struct {
	Now        time.Time   `json:"now"`  // of the state that it began with
	From       time.Time   `json:"from"` // the prediction begins here
	Until      time.Time   `json:"until"`
	Stopped    string      `json:"stopped"` // why it ends earlier than was asked for; "": it does not
	Facts      []Fact      `json:"facts"`   // those that the tasks depend on, as they are now
	Happenings []Happening `json:"happenings"`
	Tasks      []Prospect  `json:"tasks"`
}

// HappeningKind says what a Happening is.
type HappeningKind uint8

// The kinds of happenings.
const (
	HappensRun     HappeningKind = iota + 1 // a run is started
	HappensHeld                             // a firing is held, to the end of the simulation
	HappensMissed                           // instants are missed
	HappensEnd                              // what was held, or tried, ends without having run to an end
	HappensSuspend                          // the task is suspended
)

var happeningNames = [...]string{"", "run", "held", "missed", "end", "suspended"}

// String is the word shown to users.
func (k HappeningKind) String() string { return nameOf(happeningNames[:], int(k), "HappeningKind") }

// Happening is one thing that would happen.
type Happening struct {
	Kind      HappeningKind      `json:"kind"`
	At        time.Time          `json:"at"`
	TaskID    GUID               `json:"task_id"`
	Package   string             `json:"package"`
	Name      string             `json:"name"`
	Firings   int                `json:"firings"`          // in the occurrence
	Attempt   int                `json:"attempt,omitzero"` // of a run, from 1
	HeldSince time.Time          `json:"held_since"`       // zero: it was not held
	HeldFor   []Reason           `json:"held_for"`         // all that it has waited for, in the order of appearance
	Ended     time.Time          `json:"ended"`            // of a run; zero: it goes on at the end of the simulation
	Outcome   Outcome            `json:"outcome,omitzero"` // of a run that has ended
	Reason    CancellationReason `json:"reason"`           // of Canceled and TimedOut
	End       End                `json:"end,omitzero"`     // of HappensEnd
	Missed    *Missed            `json:"missed"`           // of HappensMissed
	Text      string             `json:"text"`             // why it is suspended, or was not started
}

// Prospect is what a task has to expect.
type Prospect struct {
	TaskID  GUID          `json:"task_id"`
	Package string        `json:"package"`
	Name    string        `json:"name"`
	Runs    int           `json:"runs"`     // that are started
	Counts  Counts        `json:"counts"`   // of what ends and is missed
	Expired int           `json:"expired"`  // occurrences
	Held    time.Duration `json:"held_s"`   // all that was pending, added up
	Lasts   time.Duration `json:"lasts_s"`  // of each run, as it was taken to be
	LastsOf int           `json:"lasts_of"` // it is the median of this many past runs; 0: it was given, or nothing is known
	State   State         `json:"state"`    // at the end
}

// What a simulation is bounded by.
const (
	SimulatedRun       = time.Second          // a run of which nothing is known
	MaxSimulated       = 366 * 24 * time.Hour // from now to its end
	MaxSimulationSteps = 1_000_000            // of the engine
	MaxHappenings      = 10_000
	MaxSuppositions    = 10_000
)
