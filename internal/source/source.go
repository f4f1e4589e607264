//go:build linux

package source

import (
	"context"

	"github.com/bgtask/bgtask/task"
)

// Source watches one service.
type Source interface {
	// Watch blocks and reports facts until ctx ends or the service goes away.
	// Each report holds all facts of the source. A service that does not exist
	// is told by a NotHere error.
	Watch(ctx context.Context, report func(...task.Fact)) error
}

// Waiter is what a source implements whose service can appear later.
type Waiter interface {
	// Wait blocks until it is worth to try Watch again, which said why its
	// service is not here. An error says that this cannot be known.
	Wait(ctx context.Context, why *NotHere) error
}

// Entry is a source with what has to be known of it even when it is not here.
type Entry struct {
	Name     string   // of the service, as users know it
	Facts    []string // that it reports
	Triggers []string // classes that it feeds, beside those of its facts
	Source   Source
}

// Chain is the sources that can report the same facts, best first.
type Chain []Entry

// Sink is told what the sources say. Its methods are not called concurrently.
type Sink interface {
	Facts(source string, facts []task.Fact)
	State(state task.SourceState)
}

// NotHere is the error of a source whose service does not exist on this machine.
type NotHere struct {
	Detail string // what is missing
	Remedy string // how to have it; "" when there is none

	owner string // on the bus when it was missing: it runs, yet does not serve
}

// Error is the detail.
func (e *NotHere) Error() string { return e.Detail }

// yesNo makes a fact of a truth.
func yesNo(name string, yes bool, detail string) task.Fact {
	v := task.No
	if yes {
		v = task.Yes
	}
	return task.Fact{Name: name, Value: v, Detail: detail}
}
