package task

import "time"

// ReasonKind is a kind of thing that a pending occurrence waits for. The list is closed.
// Its order is the order in which reasons are shown.
type ReasonKind uint8

// The reasons.
const (
	WaitSuspended   ReasonKind = iota + 1
	WaitAccess                 // background access is denied
	WaitServicing              // its package is being updated or removed
	WaitEnergySaver            // energy saver is on
	WaitCondition              // a condition fails
	WaitUnsure                 // a condition is unsure
	WaitSettle                 // after a loss the conditions must hold for a while
	WaitBackoff                // between two attempts
	WaitRate                   // it was started too often by edges
	WaitCatchUp                // shortly after sleep or boot
	WaitLiveRun                // one run at a time
	WaitQueue                  // an earlier occurrence goes first
	WaitExclusive              // another task has the key
	WaitPackageSlot            // too many runs of the package
	WaitOverallSlot            // too many runs
	WaitLaunchSlot             // too many launches in flight
	WaitLaunching              // admitted; the class is not ready
)

// ReasonKindRow describes a reason to wait.
type ReasonKindRow struct {
	Kind   ReasonKind
	Name   string // as shown to users
	Clause string // its text in "bgtask why"; "" for conditions, which are named
}

var reasonKinds = enumerate("ReasonKind", "reason", []ReasonKindRow{
	{WaitSuspended, "suspended", "it is suspended"},
	{WaitAccess, "access", "its package may not run in the background"},
	{WaitServicing, "servicing", "its package is being updated or removed"},
	{WaitEnergySaver, "energy-saver", "energy saver is on"},
	{WaitCondition, "condition", ""},
	{WaitUnsure, "unsure", ""},
	{WaitSettle, "settle", "a condition was lost, and all have to hold for a while"},
	{WaitBackoff, "back-off", "it waits between two attempts"},
	{WaitRate, "rate", "it was started too often"},
	{WaitCatchUp, "catch-up", "the machine has just started or woken"},
	{WaitLiveRun, "live run", "its last run has not ended"},
	{WaitQueue, "queue", "an earlier occurrence goes first"},
	{WaitExclusive, "exclusive", "another task has its exclusive key"},
	{WaitPackageSlot, "package slot", "its package has reached its limit of live runs"},
	{WaitOverallSlot, "overall slot", "the limit of live runs is reached"},
	{WaitLaunchSlot, "launch slot", "the limit of starting class servers is reached"},
	{WaitLaunching, "launching", "its server is being launched"},
}, func(r *ReasonKindRow) (ReasonKind, string) { return r.Kind, r.Name })

// ReasonKinds returns the table of the reasons to wait, in the order in which they are
// shown.
func ReasonKinds() []ReasonKindRow { return reasonKinds.rows }

// String returns the word shown to users.
func (k ReasonKind) String() string { return reasonKinds.name(k) }

// Reason is one thing that a pending occurrence waits for.
type Reason struct {
	Kind      ReasonKind `json:"kind"`
	Condition Condition  `json:"condition"` // of WaitCondition, WaitUnsure
	Cause     Cause      `json:"cause"`     // of WaitUnsure
	Until     time.Time  `json:"until"`     // when it ends by itself; zero: unknown
	Detail    string     `json:"detail"`    // such as the task that has the key, why it is suspended, the pid that does not respond
}

// NeedState is a condition and the facts behind it.
type NeedState struct {
	Condition Condition `json:"condition"`
	Verdict   Verdict   `json:"verdict"`
	Waived    bool      `json:"waived"` // by RunAnyway or "bgtask fire --now"
	Facts     []Fact    `json:"facts"`
}

// Explanation says why a task is, or is not, running. Its String is the output of
// "bgtask why".
type Explanation struct {
	At       time.Time     `json:"at"`
	Info     Info          `json:"info"`  // its State has the reasons
	Fired    int           `json:"fired"` // firings in the pending or live occurrence
	First    time.Time     `json:"first"`
	Last     time.Time     `json:"last"`
	By       string        `json:"by"` // "its timer", "its calendar", "event \"morning\"", "hand", "the application"
	Number   uint64        `json:"number,omitzero"`
	Needs    []NeedState   `json:"needs"`
	Tries    []Run         `json:"tries"`                // the latest attempts of the pending occurrence, oldest first, at most 5
	Would    []string      `json:"would"`                // what must become true, the smallest set: "internet=yes"
	After    []string      `json:"after"`                // what must be over: "backup has ended (exclusive \"store\")"
	Earliest time.Time     `json:"earliest"`             // the earliest time at which it would run; zero: now
	Never    bool          `json:"never"`                // it does not run by itself
	Use      string        `json:"use"`                  // of the live run's class object: "MultipleUse", "SingleUse"; "" if unknown
	RunLimit time.Duration `json:"run_limit_s,omitzero"` // that applies to it; 0: none
	Sources  []SourceState `json:"sources"`
}
