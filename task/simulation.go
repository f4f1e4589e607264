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
	Now        time.Time // of the state that it began with
	From       time.Time // what is told begins here
	Until      time.Time
	Stopped    string // why it ends earlier than was asked for; "": it does not
	Facts      []Fact // those that the tasks depend on, as they are now
	Happenings []Happening
	Tasks      []Prospect
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
	Kind      HappeningKind
	At        time.Time
	TaskID    GUID
	Package   string
	Name      string
	Firings   int                // in the occurrence
	Attempt   int                // of a run, from 1
	HeldSince time.Time          // zero: it was not held
	HeldFor   []Reason           // all that it has waited for, in the order of appearance
	Ended     time.Time          // of a run; zero: it goes on at the end of the simulation
	Outcome   Outcome            // of a run that has ended
	Reason    CancellationReason // of Canceled and TimedOut
	End       End                // of HappensEnd
	Missed    *Missed            // of HappensMissed
	Text      string             // why it is suspended, or was not started
}

// Prospect is what a task has to expect.
type Prospect struct {
	TaskID  GUID
	Package string
	Name    string
	Runs    int           // that are started
	Counts  Counts        // of what ends and is missed
	Expired int           // occurrences
	Held    time.Duration // all that was pending, added up
	Lasts   time.Duration // of each run, as it was taken to be
	LastsOf int           // it is the median of so many past runs; 0: it was given, or nothing is known
	State   State         // at the end
}

// What a simulation is bounded by.
const (
	SimulatedRun       = time.Second          // a run of which nothing is known
	MaxSimulated       = 366 * 24 * time.Hour // from now to its end
	MaxSimulationSteps = 1_000_000            // of the engine
	MaxHappenings      = 10_000
	MaxSuppositions    = 10_000
)
