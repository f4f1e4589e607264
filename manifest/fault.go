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

// mostFaults bounds the text of an error, not the work: a manifest is small.
const mostFaults = 50

// faults gathers what is wrong with one manifest.
type faults struct {
	name string // of the file, for messages
	list []fault
}

type fault struct {
	line int
	err  *task.Error
}

func (f *faults) add(line int, format string, args ...any) {
	f.addErr(line, task.ErrInvalid, fmt.Sprintf(format, args...))
}

func (f *faults) addErr(line int, sentinel error, detail string) {
	f.list = append(f.list, fault{line, &task.Error{Subject: f.place(line), Err: sentinel, Detail: detail}})
}

// place is "AppxManifest.xml:34", or the name alone for the file as a whole.
func (f *faults) place(line int) string {
	if line == 0 {
		return f.name
	}
	return fmt.Sprintf("%s:%d", f.name, line)
}

// err joins the faults in the order of the file.
func (f *faults) err() error {
	slices.SortStableFunc(f.list, func(a, b fault) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for i, fault := range f.list {
		if i == mostFaults {
			errs = append(errs, &task.Error{Subject: f.name, Err: task.ErrInvalid, Detail: fmt.Sprintf("and %d more", len(f.list)-i)})
			break
		}
		errs = append(errs, fault.err)
	}
	return errors.Join(errs...)
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
