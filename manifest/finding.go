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

// Severity is the consequence of a finding for the package.
type Severity int

// The severities.
const (
	Note    Severity = iota // for information only
	Warning                 // allowed, but probably unintended
	Error                   // the package is rejected, here or by Windows
)

// String returns "error", "warning" or "note".
func (s Severity) String() string {
	switch s {
	case Error:
		return "error"
	case Warning:
		return "warning"
	}
	return "note"
}

// Finding is one error, warning or note about a manifest.
type Finding struct {
	Line, Column int // from 1, the column in characters; 0 means the whole file
	Rule         Rule
	Severity     Severity
	Message      string // what is wrong, without a final period
	Remedy       string // what to do about it
}

// Place returns the position in the file called name, such as
// "AppxManifest.xml:34:7", or only the name for the whole file.
func (f Finding) Place(name string) string {
	if f.Line == 0 {
		return name
	}
	return fmt.Sprintf("%s:%d:%d", name, f.Line, f.Column)
}

// mostFaults limits the length of an error. It does not limit the work, since a
// manifest is small.
const mostFaults = 50

// findings collects the findings in one manifest.
type findings struct {
	name    string // the file's name in messages
	list    []Finding
	lenient bool // downgrade errors to warnings
}

// pos is a position in the text. The zero value means the whole file.
type pos struct{ line, col int }

// add adds a finding with the severity and the remedy of its rule.
func (f *findings) add(at pos, r Rule, format string, args ...any) {
	info := r.info()
	if f.lenient {
		info.Severity = min(info.Severity, Warning)
	}
	f.list = append(f.list, Finding{at.line, at.col, r, info.Severity, fmt.Sprintf(format, args...), info.Remedy})
}

// place returns "AppxManifest.xml:34", or only the name for the whole file.
func (f *findings) place(line int) string {
	if line == 0 {
		return f.name
	}
	return fmt.Sprintf("%s:%d", f.name, line)
}

// sort sorts the findings by position.
func (f *findings) sort() {
	slices.SortStableFunc(f.list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// err joins the errors among the findings in file order, each as a *task.Error.
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

// warnings returns the texts of the warnings, for users who install the package.
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

// show makes a value from the file safe to print in one line.
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
