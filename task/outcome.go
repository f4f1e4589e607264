package task

import "strings"

// Outcome is how one run ended. A run has exactly one, given only when its code
// no longer runs.
type Outcome uint8

// Outcomes of a run. One that has not ended has OutcomeNone.
const (
	OutcomeNone      Outcome = iota
	Completed                // Run returned nil
	Failed                   // Run returned an error
	RetryAsked               // Run asked for another attempt
	TimedOut                 // it ran longer than its limit
	Canceled                 // it was canceled with a reason
	Crashed                  // the launched process died, or Run panicked
	ActivationFailed         // Run was never entered
	Lost                     // the end was not observed

	outcomeCount = iota // stays last: the size of OutcomeCounts
)

// OutcomeRow describes an outcome.
type OutcomeRow struct {
	Outcome Outcome
	Name    string // as shown to users: "activation failed"
	Verb    string // what an attempt did that had it: "could not be started"
	ByHost  bool   // a host may report it
}

var outcomes = enumerate("Outcome", "outcome", []OutcomeRow{
	{OutcomeNone, "none", "has not ended", false},
	{Completed, "completed", "completed", true},
	{Failed, "failed", "failed", true},
	{RetryAsked, "retry", "failed", true},
	{TimedOut, "timed out", "timed out", false},
	{Canceled, "canceled", "was canceled", true},
	{Crashed, "crashed", "crashed", true},
	{ActivationFailed, "activation failed", "could not be started", false},
	{Lost, "lost", "was lost", false},
}, func(r *OutcomeRow) (Outcome, string) { return r.Outcome, r.Name })

// Outcomes lists the outcomes of runs that have ended: all but OutcomeNone.
func Outcomes() []OutcomeRow { return outcomes.rows[1:] }

// OutcomeCounts is a number of runs for each outcome.
type OutcomeCounts [outcomeCount]int

// Row returns the outcome's row; false when there is no such outcome.
func (o Outcome) Row() (OutcomeRow, bool) { return outcomes.lookup(o) }

// String is the word shown to users: "activation failed".
func (o Outcome) String() string { return outcomes.name(o) }

// Word is the word of the command line: "activation-failed".
func (o Outcome) Word() string { return hyphened(o.String()) }

// ParseOutcome is the inverse of String and of Word.
func ParseOutcome(s string) (Outcome, error) { return outcomes.parse(spaced(s)) }

// verb is what an attempt did that was not the last one.
func (o Outcome) verb() string {
	if row := outcomes.row(o); row != nil {
		return row.Verb
	}
	return "ended"
}

// End is how an occurrence ended. An occurrence ends exactly once.
type End uint8

// Ends of an occurrence. One that is pending or live has EndNone.
const (
	EndNone     End = iota
	EndDone         // a run completed
	EndFailed       // a run failed, or was over its limit
	EndCanceled     // canceled by the user, the idle check or an uninstall
	EndGaveUp       // too many attempts in a row
	EndExpired      // held longer than the registration allows
	EndRemoved      // the registration was removed, or its trigger changed
)

var ends = enumerateNames("End", "end of an occurrence", []Named[End]{
	{EndNone, "none"},
	{EndDone, "done"},
	{EndFailed, "failed"},
	{EndCanceled, "canceled"},
	{EndGaveUp, "gave up"},
	{EndExpired, "expired"},
	{EndRemoved, "removed"},
})

// Ends lists the ends of occurrences that have ended: all but EndNone.
func Ends() []End { return ends.numbers()[1:] }

// String is the word shown to users.
func (e End) String() string { return ends.name(e) }

// Phase is what a registration is doing, as its users see it.
type Phase uint8

// Phases of a registration, worst first where several apply.
const (
	Waiting      Phase = iota // for its time or its event
	Held                      // it fired, and something it waits for is missing
	BackingOff                // between two attempts
	Starting                  // admitted; the class is not ready
	Running                   // Run was entered
	Canceling                 // asked to stop
	Unresponsive              // asked to stop, and has not
	Suspended                 // too many faults; it does not run by itself
	Spent                     // a one-shot that has ended
	Removing                  // unregistered; the last run is ending
)

var phases = enumerateNames("Phase", "phase", []Named[Phase]{
	{Waiting, "waiting"},
	{Held, "held"},
	{BackingOff, "backing off"},
	{Starting, "starting"},
	{Running, "running"},
	{Canceling, "canceling"},
	{Unresponsive, "unresponsive"},
	{Suspended, "suspended"},
	{Spent, "spent"},
	{Removing, "removing"},
})

// Phases lists all phases.
func Phases() []Phase { return phases.numbers() }

// String is the word shown to users.
func (p Phase) String() string { return phases.name(p) }

// Word is the word of the command line: "backing-off".
func (p Phase) Word() string { return hyphened(p.String()) }

// ParsePhase is the inverse of String and of Word.
func ParsePhase(s string) (Phase, error) { return phases.parse(spaced(s)) }

func spaced(s string) string   { return strings.ReplaceAll(s, "-", " ") }
func hyphened(s string) string { return strings.ReplaceAll(s, " ", "-") }

// AccessStatus is WinRT's BackgroundAccessStatus. Its numbers 1 to 3 are from
// Windows 8 and are left out.
type AccessStatus uint8

// Access statuses, with WinRT's numbers.
const (
	AccessUnspecified            AccessStatus = 0
	AlwaysAllowed                AccessStatus = 4
	AllowedSubjectToSystemPolicy AccessStatus = 5
	DeniedBySystemPolicy         AccessStatus = 6
	DeniedByUser                 AccessStatus = 7
)

// AccessRow describes an access status.
type AccessRow struct {
	Status AccessStatus
	Name   string // WinRT's
	Means  string // a sentence without a full stop
}

var accesses = enumerate("AccessStatus", "access status", []AccessRow{
	{AccessUnspecified, "Unspecified", "nothing was decided: registering is refused until the package is installed or asks for access"},
	{AlwaysAllowed, "AlwaysAllowed", "runs also while energy saver is on"},
	{AllowedSubjectToSystemPolicy, "AllowedSubjectToSystemPolicy", "the default; timers are held while energy saver is on"},
	{DeniedBySystemPolicy, "DeniedBySystemPolicy", "registering is refused; what is registered is held"},
	{DeniedByUser, "DeniedByUser", "the same, by `bgtask access PACKAGE deny`"},
}, func(r *AccessRow) (AccessStatus, string) { return r.Status, r.Name })

// AccessStatuses is the table of all access statuses, in the order of their numbers.
func AccessStatuses() []AccessRow { return accesses.rows }

// Row returns the status's row; false when there is no such status.
func (a AccessStatus) Row() (AccessRow, bool) { return accesses.lookup(a) }

// String is WinRT's name.
func (a AccessStatus) String() string { return accesses.name(a) }

// ParseAccess finds a status by WinRT's name.
func ParseAccess(s string) (AccessStatus, error) { return accesses.parse(s) }

// Allowed reports whether tasks of the package may run.
func (a AccessStatus) Allowed() bool { return a == AlwaysAllowed || a == AllowedSubjectToSystemPolicy }
