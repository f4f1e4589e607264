package task

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Rule is a further demand on a Spec, for Validate: nil, or an error that says
// what is against it. PortableToWindows is one.
type Rule func(Spec) error

// Validate returns all faults of s joined, each an *Error with a hint, or nil. It
// needs no broker. What only the broker knows is
// checked there: its policy (CheckFreshness), the calendar's grammar, the
// package's classes and what can fire on this machine.
func (s Spec) Validate(rules ...Rule) error { return s.validate(newFaults(s.Name), rules) }

// ValidateForWindows is Validate where the broker is Windows' own: whether a
// trigger can fire is for OnWindows to say, and for Windows.
func (s Spec) ValidateForWindows(rules ...Rule) error {
	f := newFaults(s.Name)
	f.windows = true
	return s.validate(f, append([]Rule{OnWindows}, rules...))
}

func (s Spec) validate(f *faults, rules []Rule) error {
	f.name(s.Name)
	f.entryPoint(s)
	f.trigger(s.Trigger)
	f.conditions(s)
	f.options(s)
	if s.Command != nil {
		f.command(s.Command)
	}
	for _, rule := range rules {
		if err := rule(s); err != nil {
			f.errs = append(f.errs, err)
		}
	}
	return errors.Join(f.errs...)
}

// CheckFreshness refuses a timer that fires more often than the policy allows.
func CheckFreshness(t Trigger, p Policy) error {
	freshness, ok := freshnessOf(t)
	least := p.WithDefaults().MinFreshness
	if !ok || freshness >= least {
		return nil
	}
	return &Error{
		Err:    ErrInvalid,
		Detail: fmt.Sprintf("an interval of %s is below the smallest allowed here, %s", freshness, Interval(least)),
		Hint:   "the policy min_freshness in ~/.config/bgtask/config.toml sets it",
	}
}

func freshnessOf(t Trigger) (time.Duration, bool) {
	switch t := t.(type) {
	case TimeTrigger:
		return t.Freshness, true
	case MaintenanceTrigger:
		return t.Freshness, true
	}
	return 0, false
}

// faults collects what is wrong with one registration.
type faults struct {
	subject string
	windows bool // the broker is Windows' own
	errs    []error
}

func newFaults(name string) *faults {
	switch {
	case name == "":
		name = "a task without a name"
	case len(name) > MaxName || textFault(name) != "":
		name = strconv.Quote(clip(name, 64))
	}
	return &faults{subject: name}
}

func (f *faults) add(sentinel error, detail, hint string) {
	f.errs = append(f.errs, &Error{Subject: f.subject, Err: sentinel, Detail: detail, Hint: hint})
}

func (f *faults) name(name string) {
	switch {
	case name == "":
		f.add(ErrInvalid, "a task needs a name", "set Name")
	case strings.Contains(name, "/"):
		f.add(ErrInvalid, `a name has no "/"`, `"/" separates PACKAGE and NAME; leave it out`)
	}
	f.text("the name", name, MaxName)
}

// text refuses what is too long, is not UTF-8 or could not be shown on a
// terminal as it is.
func (f *faults) text(what, s string, most int) {
	if len(s) > most {
		f.add(ErrLimit, fmt.Sprintf("%s has %d bytes; at most %d are allowed", what, len(s), most), "choose a shorter one")
	}
	if why := textFault(s); why != "" {
		f.add(ErrInvalid, fmt.Sprintf("%s %s: %q", what, why, clip(s, 64)), "use printable text")
	}
}

// prose is text that may have several lines.
func (f *faults) prose(what, s string, most int) {
	f.text(what, strings.NewReplacer("\n", " ", "\t", " ").Replace(s), most)
}

func textFault(s string) string {
	if !utf8.ValidString(s) {
		return "is not UTF-8"
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return "has a control character"
		}
	}
	return ""
}

// path refuses what is no absolute path. It may have control characters: files have.
func (f *faults) path(what, p string) {
	switch {
	case p == "":
		f.add(ErrInvalid, what+" is empty", "give an absolute path")
	case !strings.HasPrefix(p, "/"):
		f.add(ErrInvalid, fmt.Sprintf("%s %q is not absolute", what, clip(p, 64)), "a path begins with a slash; the broker has another working directory")
	case len(p) > MaxPath:
		f.add(ErrLimit, fmt.Sprintf("%s has %d bytes; at most %d are allowed", what, len(p), MaxPath), "no file has such a path")
	}
	f.bytes(what, p)
}

// bytes refuses what cannot be handed to the kernel or stored.
func (f *faults) bytes(what, s string) {
	if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
		f.add(ErrInvalid, fmt.Sprintf("%s %q has a NUL or is not UTF-8", what, clip(s, 64)), "such text can be neither stored nor passed on")
	}
}

// between refuses a duration outside of [least, MaxInterval].
func (f *faults) between(what string, d, least time.Duration) {
	switch {
	case d < 0:
		f.add(ErrInvalid, fmt.Sprintf("%s is negative: %s", what, d), "durations count forward")
	case d < least:
		f.add(ErrInvalid, fmt.Sprintf("%s is %s; the least is %s", what, d, Interval(least)), "make it longer")
	case d > MaxInterval:
		f.add(ErrLimit, fmt.Sprintf("%s is longer than 50 years: %s", what, d), "make it shorter")
	}
}

// count refuses a number outside of [least, most].
func (f *faults) count(what string, n, least, most int) {
	if n < least || n > most {
		f.add(ErrLimit, fmt.Sprintf("%s is %d; it has to be %d to %d", what, n, least, most), "choose a number in between")
	}
}

func (f *faults) entryPoint(s Spec) {
	switch {
	case s.EntryPoint.IsZero():
		f.add(ErrInvalid, "a task needs an EntryPoint", "set it to the CLSID of the class that runs it")
	case s.Command != nil && s.EntryPoint != CommandClass:
		f.add(ErrInvalid, "a command is run by the command class only", "set EntryPoint to CommandClass, or leave Command out")
	case s.Command == nil && s.EntryPoint == CommandClass:
		f.add(ErrInvalid, "the command class needs a command", "set Command, or EntryPoint to a class of the application")
	}
}

// sortedKeys gives a map one order.
func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
