package task

import "time"

// Spec is what is registered: everything that Builder says, as a value.
type Spec struct {
	Name                  string        `json:"name"`        // at most 256 bytes, no "/" and no control characters
	EntryPoint            GUID          `json:"entry_point"` // the class, declared by the package
	Trigger               Trigger       `json:"trigger"`     // exactly one
	Conditions            []Condition   `json:"conditions"`  // all must hold; at most 16
	CancelOnConditionLoss bool          `json:"cancel_on_condition_loss"`
	Group                 string        `json:"group"`       // grouped tasks are not in AllTasks
	Retry                 RetryPolicy   `json:"retry"`       // after Retry, Lost and faults
	Misfire               Misfire       `json:"misfire"`     // what becomes of missed instants
	Hold                  Hold          `json:"hold"`        // how long it may be held
	Queue                 int           `json:"queue"`       // 0: firings coalesce; n: up to n occurrences wait
	Exclusive             string        `json:"exclusive"`   // tasks of one package with the same key never run at the same time
	RunLimit              time.Duration `json:"run_limit_s"` // awake time; 0: what the policy says
	Command               *Command      `json:"command"`     // of a command task; nil otherwise
}

// RetryPolicy says how another attempt is made. Zero fields are the defaults.
type RetryPolicy struct {
	Attempts int           `json:"attempts"` // runs in a row before the occurrence is given up; 5
	First    time.Duration `json:"first_s"`  // delay before the second attempt; 10 s, each next four times longer
	Limit    time.Duration `json:"limit_s"`  // the longest delay; 1 h
}

// WithDefaults fills the zero fields.
func (r RetryPolicy) WithDefaults() RetryPolicy {
	if r.Attempts == 0 {
		r.Attempts = DefaultAttempts
	}
	if r.First == 0 {
		r.First = BackoffFirst
	}
	if r.Limit == 0 {
		r.Limit = BackoffMost
	}
	return r
}

// MisfirePolicy says what becomes of instants that were missed.
type MisfirePolicy uint8

// Policies of a Misfire.
const (
	RunOnce MisfirePolicy = iota // the latest missed instant fires; the others are recorded
	Skip                         // no missed instant fires
	RunAll                       // the latest Max missed instants fire, each as its own occurrence
)

var misfireNames = [...]string{"RunOnce", "Skip", "RunAll"}

// String is the constant's name.
func (p MisfirePolicy) String() string { return nameOf(misfireNames[:], int(p), "MisfirePolicy") }

// Misfire is a misfire policy; Max belongs to RunAll and is at most 100.
type Misfire struct {
	Policy MisfirePolicy `json:"policy"`
	Max    int           `json:"max"`
}

// HoldThen says what happens to an occurrence that was held too long.
type HoldThen uint8

// What happens at the end of a Hold.
const (
	Drop      HoldThen = iota // the occurrence ends as expired
	RunAnyway                 // the occurrence runs without its conditions
)

var holdNames = [...]string{"Drop", "RunAnyway"}

// String is the constant's name.
func (t HoldThen) String() string { return nameOf(holdNames[:], int(t), "HoldThen") }

// Hold limits how long an occurrence is held. Zero is forever.
type Hold struct {
	AtMost time.Duration `json:"at_most_s"`
	Then   HoldThen      `json:"then"`
}

// Command is what a command task runs. Nothing of it appears in logs or history.
type Command struct {
	Path    string   `json:"path"`     // absolute
	Args    []string `json:"args"`     // without the command itself; no shell
	Dir     string   `json:"dir"`      // absolute
	Env     []string `json:"env"`      // NAME=VALUE, as found at add and given with --env
	EnvFile string   `json:"env_file"` // read at each launch; "" for none
	Umask   uint32   `json:"umask"`
	Retry   bool     `json:"retry"` // every non-zero exit status asks for another attempt
}

// OneShot says whether t fires only once.
func OneShot(t Trigger) bool {
	switch t := t.(type) {
	case TimeTrigger:
		return t.OneShot
	case MaintenanceTrigger:
		return t.OneShot
	case CalendarTrigger:
		return t.OneShot
	case SystemTrigger:
		return t.OneShot
	}
	return false
}

// Timed says whether t fires by the clock.
func Timed(t Trigger) bool {
	switch t.(type) {
	case TimeTrigger, MaintenanceTrigger, CalendarTrigger:
		return true
	}
	return false
}
