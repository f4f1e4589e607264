package task

import "fmt"

// Condition must hold before a run is admitted. The set is sealed, as WinRT's
// IBackgroundCondition is. SystemCondition is one; OrUnknown makes one of another.
// Conditions are comparable: two that ask for the same are equal.
type Condition interface {
	// Class is the class name, WinRT's where it has one: "SystemCondition".
	Class() string
	// String names the condition for people: "InternetAvailable".
	String() string
	// Word is what "bgtask add --when" takes; ParseCondition reads it: "internet".
	Word() string
	// Needs lists the facts that the condition depends on.
	Needs() []Need
	// Verdict judges the condition by what is known.
	Verdict(known Readings) Verdict
	// Excludes reports whether the two can never hold together.
	Excludes(other Condition) bool
	// check reports what is wrong with the condition itself.
	check(f *faults)
}

// Need is one fact that a condition asks for.
type Need struct {
	Fact string           // its name
	Want string           // how an unmet need is shown: "internet=yes", "battery above 20%"
	Met  func(Value) bool // for a known value
}

// Readings are the facts that a condition is judged by.
type Readings interface {
	// Value is the value of a fact, Unknown when it is not known.
	Value(fact string) Value
}

// Verdict is what a condition says of the facts: three-valued, since unknown is
// neither yes nor no.
type Verdict uint8

// The verdicts.
const (
	Unsure Verdict = iota
	Fails
	Holds
)

// String is the word shown to users.
func (v Verdict) String() string {
	return nameOf([]string{"unsure", "fails", "holds"}, int(v), "Verdict")
}

// judge is the verdict of needs that must all be met. One that is known to be unmet
// decides, whatever is unknown beside it.
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

// CutUnknown undoes OrUnknown; found reports whether there was something to undo.
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

// orUnknown is the wrapper that OrUnknown makes. It never wraps another one.
type orUnknown struct{ Condition }

// unknownSuffix marks the word of a condition that OrUnknown has made.
const unknownSuffix = "?"

// String adds the wrapper in words: "DeviceIdle (or unknown)".
func (o orUnknown) String() string { return o.Condition.String() + " (or unknown)" }

// Word adds a question mark: "idle?".
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

// conditionName is the name without OrUnknown, for texts that give the verdict too.
func conditionName(c Condition) string {
	c, _ = CutUnknown(c)
	if c == nil {
		return "a condition"
	}
	return c.String()
}
