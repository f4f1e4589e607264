package manifest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/bgtask/bgtask/task"
)

// Severity says what a finding means for the package.
type Severity int

// The severities.
const (
	Note    Severity = iota // nothing is wrong; it is good to know
	Warning                 // allowed, and probably not meant
	Error                   // the package is refused, here or by Windows
)

// String is the word for it: "error", "warning" or "note".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return "note"
}

// Finding is one thing that is wrong with a manifest, or probably not meant, or
// good to know.
type Finding struct {
	Line, Column int // from 1, the column in characters; 0: the file as a whole
	Rule         Rule
	Severity     Severity
	Message      string // what is wrong, without a full stop
	Remedy       string // what to do about it
}

// Place is "AppxManifest.xml:34:7" for a file of that name, or the name alone.
func (f Finding) Place(name string) string {
	if f.Line == 0 {
		return name
	}
	return fmt.Sprintf("%s:%d:%d", name, f.Line, f.Column)
}

// mostFaults bounds the text of an error, not the work: a manifest is small.
const mostFaults = 50

// findings gathers what is found in one manifest.
type findings struct {
	name    string // of the file, for messages
	list    []Finding
	lenient bool // what Windows refuses is no more than a warning
}

// pos is a place in the text; the zero pos is the file as a whole.
type pos struct{ line, col int }

// add is a finding with the severity and the remedy of its rule.
func (f *findings) add(at pos, r Rule, format string, args ...any) {
	info := r.info()
	if f.lenient {
		info.Severity = min(info.Severity, Warning)
	}
	f.list = append(f.list, Finding{at.line, at.col, r, info.Severity, fmt.Sprintf(format, args...), info.Remedy})
}

// place is "AppxManifest.xml:34", or the name alone for the file as a whole.
func (f *findings) place(line int) string {
	if line == 0 {
		return f.name
	}
	return fmt.Sprintf("%s:%d", f.name, line)
}

// sort puts the findings into the order of the file.
func (f *findings) sort() {
	slices.SortStableFunc(f.list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// err joins the errors among the findings in the order of the file, each a
// *task.Error.
func (f *findings) err() error {
	f.sort()
	var errs []error
	more := 0
	for _, found := range f.list {
		switch {
		case found.Severity != Error:
		case len(errs) == mostFaults:
			more++
		default:
			errs = append(errs, f.taskError(found))
		}
	}
	if more > 0 {
		errs = append(errs, &task.Error{Subject: f.name, Err: task.ErrInvalid, Detail: fmt.Sprintf("and %d more", more)})
	}
	return errors.Join(errs...)
}

func (f *findings) taskError(found Finding) error {
	sentinel := task.ErrInvalid
	if found.Rule == RuleLimit {
		sentinel = task.ErrLimit
	}
	return &task.Error{Subject: f.place(found.Line), Err: sentinel, Detail: found.Message, Hint: found.Remedy}
}

// warnings are the warnings among the findings, for people who install.
func (f *findings) warnings() []string {
	f.sort()
	var all []string
	for _, found := range f.list {
		if found.Severity == Warning {
			all = append(all, f.place(found.Line)+": "+found.Message)
		}
	}
	return all
}

// show makes a value of the file fit for one line of a message.
func show(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}
