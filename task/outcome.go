package task

// Outcome is how one run ended. A run has exactly one, given only when its code
// no longer runs.
type Outcome uint8

// The outcomes of SEMANTICS: a run that is not over has OutcomeNone.
const (
	OutcomeNone      Outcome = iota
	Completed                // Run returned nil
	Failed                   // Run returned an error
	RetryAsked               // Run asked for another attempt
	TimedOut                 // over the run limit
	Canceled                 // cancelled with a reason
	Crashed                  // the launched process died, or Run panicked
	ActivationFailed         // Run was never entered
	Lost                     // nobody was there to see how it ended
)

var outcomeNames = [...]string{"none", "completed", "failed", "retry", "timed out", "canceled", "crashed", "activation failed", "lost"}

// String is the word shown to users: "activation failed".
func (o Outcome) String() string { return nameOf(outcomeNames[:], int(o), "Outcome") }

// ParseOutcome is the inverse of String; a hyphen may stand for the space.
func ParseOutcome(s string) (Outcome, error) {
	i, err := indexOf(outcomeNames[:], spaced(s), "outcome")
	return Outcome(i), err
}

// End is how an occurrence ended. An occurrence ends exactly once.
type End uint8

// The ends of an occurrence. One that is pending or live has EndNone.
const (
	EndNone     End = iota
	EndDone         // a run completed
	EndFailed       // a run failed, or was over its limit
	EndCanceled     // cancelled by the user, the idle check or an uninstall
	EndGaveUp       // too many attempts in a row
	EndExpired      // held longer than the registration allows
	EndRemoved      // the registration was removed, or its trigger changed
)

var endNames = [...]string{"none", "done", "failed", "canceled", "gave up", "expired", "removed"}

// String is the word shown to users.
func (e End) String() string { return nameOf(endNames[:], int(e), "End") }

// ParseEnd is the inverse of String.
func ParseEnd(s string) (End, error) {
	i, err := indexOf(endNames[:], spaced(s), "end of an occurrence")
	return End(i), err
}

// Phase is what a registration is doing, as its users see it.
type Phase uint8

// The phases, worst first where several apply.
const (
	Waiting      Phase = iota // for its time or its event
	Held                      // it fired; something it waits for is not there
	BackingOff                // between two attempts
	Starting                  // admitted; the class is not ready
	Running                   // Run was entered
	Canceling                 // told to stop
	Unresponsive              // told to stop, and it does not
	Suspended                 // too many faults; it does not run by itself
	Spent                     // a one-shot that has ended
	Removing                  // unregistered; the last run is ending
)

var phaseNames = [...]string{"waiting", "held", "backing off", "starting", "running", "canceling", "unresponsive", "suspended", "spent", "removing"}

// String is the word shown to users.
func (p Phase) String() string { return nameOf(phaseNames[:], int(p), "Phase") }

// ParsePhase is the inverse of String; a hyphen may stand for the space.
func ParsePhase(s string) (Phase, error) {
	i, err := indexOf(phaseNames[:], spaced(s), "phase")
	return Phase(i), err
}

func spaced(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] == '-' {
			b[i] = ' '
		}
	}
	return string(b)
}

// AccessStatus is WinRT's BackgroundAccessStatus; its numbers 1 to 3 are of
// Windows 8 and are left out.
type AccessStatus uint8

// The access a package has.
const (
	AccessUnspecified            AccessStatus = 0
	AlwaysAllowed                AccessStatus = 4
	AllowedSubjectToSystemPolicy AccessStatus = 5
	DeniedBySystemPolicy         AccessStatus = 6
	DeniedByUser                 AccessStatus = 7
)

var accessNames = [...]string{"Unspecified", "", "", "", "AlwaysAllowed", "AllowedSubjectToSystemPolicy", "DeniedBySystemPolicy", "DeniedByUser"}

// String is WinRT's name.
func (a AccessStatus) String() string { return nameOf(accessNames[:], int(a), "AccessStatus") }

// ParseAccess finds a status by WinRT's name.
func ParseAccess(s string) (AccessStatus, error) {
	i, err := indexOf(accessNames[:], s, "access status")
	return AccessStatus(i), err
}

// Allowed says whether tasks of the package may run.
func (a AccessStatus) Allowed() bool { return a == AlwaysAllowed || a == AllowedSubjectToSystemPolicy }
