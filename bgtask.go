// Package bgtask registers background tasks and runs them. A task runs when its
// trigger has fired and its conditions hold, either in the application that is
// already running or in a process that the broker launches for it.
//
// An application implements [Task], describes a registration with a [Builder], and
// serves its task classes with [Main] or [Serve]:
//
//	var quotes = bgtask.Class{CLSID: bgtask.MustGUID("4f5f1f6a-8a0e-4c0b-9d36-2d7f3c1e9b55"), Task: bgtask.TaskFunc(fetch)}
//
//	func main() {
//		if !bgtask.Launched() { // the user started it: make sure that the task is registered
//			b := bgtask.Builder{Name: "FetchQuotes", EntryPoint: quotes.CLSID}
//			b.Trigger = bgtask.TimeTrigger{Freshness: 15 * time.Minute}
//			b.Conditions = []bgtask.Condition{bgtask.InternetAvailable}
//			if _, err := b.Ensure(context.Background()); err != nil {
//				log.Fatal(err)
//			}
//		}
//		os.Exit(bgtask.Main(quotes))
//	}
//
// A registration survives crashes and reboots. If a trigger fires while a condition
// does not hold, the broker keeps the firing until it does. A registration has at
// most one live run, and each run ends with exactly one recorded outcome.
//
// Every firing is followed by at least one run, unless it expires or is removed first.
// A run can be repeated, for example after a crash, so a task must tolerate
// repetition. [Instance.Occurrence] identifies the work: a repeated run has the same
// occurrence number.
//
// Names and numbers are those of Windows.ApplicationModel.Background where it has
// them. doc/SEMANTICS.md is the contract.
package bgtask

import (
	"context"
	"errors"
)

// Task is what an application implements. Like an http.Handler, one value serves
// all activations, and Run may be called concurrently.
//
// What Run returns decides the outcome of the run:
//   - nil: Completed, also after a cancel;
//   - any error after a cancel: Canceled, with the reason;
//   - Retry(err): RetryAsked, and the broker makes another attempt;
//   - any other error: Failed.
//
// A panic makes the outcome Crashed; the process goes on. When the run is canceled,
// ctx ends, and context.Cause(ctx) is the [CancellationReason].
type Task interface {
	Run(ctx context.Context, instance *Instance) error
}

// TaskFunc adapts a function to a Task.
type TaskFunc func(ctx context.Context, instance *Instance) error

// Run calls f.
func (f TaskFunc) Run(ctx context.Context, instance *Instance) error { return f(ctx, instance) }

// Retry wraps an error for Run to return when another attempt may succeed. The broker
// makes it after a back-off, as often as the registration's RetryPolicy allows. The
// result unwraps to err; Retry(nil) is nil.
func Retry(err error) error {
	if err == nil {
		return nil
	}
	return &retryError{err}
}

type retryError struct{ error }

func (e *retryError) Unwrap() error { return e.error }

func asksRetry(err error) bool { return errors.As(err, new(*retryError)) }
