package task

import "fmt"

// Condition must hold before a run is admitted. The set is sealed, as WinRT's
// IBackgroundCondition is: its members are SystemCondition and what OrUnknown returns.
// Conditions are comparable with ==.
type Condition interface {
	// Class returns the class name, such as "SystemCondition". It is WinRT's if WinRT has
	// the class.
	Class() string
	// String returns the name for people, such as "InternetAvailable".
	String() string
	// Word returns the word for "bgtask add --when", such as "internet". ParseCondition
	// reads it.
	Word() string
	// Needs returns the facts that the condition depends on.
	Needs() []Need
	// Verdict evaluates the condition on known facts.
	Verdict(known Readings) Verdict
	// Excludes reports whether the two conditions can never hold together.
	Excludes(other Condition) bool
	// check adds what is wrong with the condition itself.
	check(f *faults)
}

// Need is one fact that a condition depends on, and the values that it accepts.
type Need struct {
	Fact string           // its name
	Want string           // for people: "internet=yes", "battery above 20%"
	Met  func(Value) bool // reports whether a known value is accepted
}

// Readings are the facts on which a condition is evaluated.
type Readings interface {
	// Value returns the value of a fact, or Unknown.
	Value(fact string) Value
}

// Verdict is the result of evaluating a condition. It has three values, since unknown is
// neither yes nor no.
type Verdict uint8

// The verdicts.
const (
	Unsure Verdict = iota
	Fails
	Holds
)

// String returns the word shown to users.
func (v Verdict) String() string {
	return nameOf([]string{"unsure", "fails", "holds"}, int(v), "Verdict")
}

// judge returns the verdict on needs that must all be met. One need that is known to be
// unmet decides, even if other facts are unknown.
func judge(needs []Need, known Readings) Verdict {
	verdict := Holds
	for _, n := range needs {
		switch v := known.Value(n.Fact); {
		case !v.Known():
			verdict = Unsure
		case !n.Met(v):
			return Fails
		}
	}
	return verdict
}

// OrUnknown returns a condition that holds when c does, and counts as holding while
// c is unsure. Its Verdict is that of c: Unsure stays visible.
func OrUnknown(c Condition) Condition {
	if _, done := CutUnknown(c); done || c == nil {
		return c
	}
	return orUnknown{c}
}

// CutUnknown is the inverse of OrUnknown. If OrUnknown did not make c, it returns c and
// false.
func CutUnknown(c Condition) (plain Condition, found bool) {
	if o, ok := c.(orUnknown); ok {
		return o.Condition, true
	}
	return c, false
}

// Satisfied reports whether a condition with this verdict lets a run start.
func Satisfied(c Condition, v Verdict) bool {
	_, orUnknown := CutUnknown(c)
	return v == Holds || v == Unsure && orUnknown
}

// orUnknown is the wrapper that OrUnknown returns. It never wraps another orUnknown.
type orUnknown struct{ Condition }

// unknownSuffix marks the word of a condition that OrUnknown returned.
const unknownSuffix = "?"

// String returns the condition's name with a remark: "DeviceIdle (or unknown)".
func (o orUnknown) String() string { return o.Condition.String() + " (or unknown)" }

// Word returns the condition's word with a question mark: "idle?".
func (o orUnknown) Word() string { return o.Condition.Word() + unknownSuffix }

func (f *faults) conditions(s Spec) {
	if n := len(s.Conditions); n > MaxConditions {
		f.add(ErrLimit, fmt.Sprintf("%d conditions; at most %d are allowed", n, MaxConditions), "leave some out")
		return
	}
	for i, c := range s.Conditions {
		if c == nil {
			f.add(ErrInvalid, fmt.Sprintf("condition %d is nil", i+1), "leave it out")
			continue
		}
		c.check(f)
		for _, earlier := range s.Conditions[:i] {
			f.conditionPair(earlier, c)
		}
	}
}

func (f *faults) conditionPair(a, b Condition) {
	a, _ = CutUnknown(a)
	b, _ = CutUnknown(b)
	switch {
	case a == nil:
	case a == b:
		f.add(ErrInvalid, fmt.Sprintf("the condition %v is given twice", a), "give it once")
	case a.Excludes(b) || b.Excludes(a):
		f.add(ErrInvalid, fmt.Sprintf("the conditions %v and %v never hold together", a, b), "leave one of them out; or register two tasks")
	}
}

// conditionName returns the name without "(or unknown)", for texts that also give the
// verdict.
func conditionName(c Condition) string {
	c, _ = CutUnknown(c)
	if c == nil {
		return "a condition"
	}
	return c.String()
}
