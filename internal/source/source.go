//go:build linux

package source

import (
	"context"

	"github.com/bgtask/bgtask/task"
)

// Source watches one service of the machine.
type Source interface {
	// Watch blocks and reports facts until ctx ends or the service goes away.
	// Each report contains all facts of the source. If the service does not exist
	// on this machine, the error is a NotHereError.
	Watch(ctx context.Context, report func(...task.Fact)) error
}

// Waiter is implemented by sources whose service can appear later.
type Waiter interface {
	// Wait blocks until it is worth calling Watch again after it returned why. An
	// error means that this cannot be known.
	Wait(ctx context.Context, why *NotHereError) error
}

// Entry is a source with its description, which is needed even if the service is
// not here.
type Entry struct {
	Name     string   // name of the service, as users know it
	Facts    []string // facts that it reports
	Triggers []string // trigger classes that it feeds, besides those of its facts
	Source   Source
}

// Chain is a list of sources that can report the same facts, best first.
type Chain []Entry

// Sink receives what the sources report. Its methods are not called concurrently.
type Sink interface {
	Facts(source string, facts []task.Fact)
	State(state task.SourceState)
}

// NotHereError is the error of a source whose service does not exist on this machine.
type NotHereError struct {
	Detail string // what is missing
	Remedy string // how to get it; "" if unknown

	owner string // unique name of a process that runs but does not serve; "" if none
}

// Error returns the detail.
func (e *NotHereError) Error() string { return e.Detail }

// yesNo returns a fact with the value Yes or No.
func yesNo(name string, yes bool, detail string) task.Fact {
	v := task.No
	if yes {
		v = task.Yes
	}
	return task.Fact{Name: name, Value: v, Detail: detail}
}
