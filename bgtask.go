// Package bgtask registers background tasks and runs them: at their time or
// event, as soon as the conditions that they ask for hold, in the open
// application or in a process that the broker launches for it.
//
// An application implements [Task], tells what is to be registered with a
// [Builder], and serves its classes with [Main] or [Serve]:
//
//	var quotes = bgtask.Class{CLSID: bgtask.MustGUID("4f5f1f6a-8a0e-4c0b-9d36-2d7f3c1e9b55"), Task: bgtask.TaskFunc(fetch)}
//
//	func main() {
//		if !bgtask.Launched() { // started by a person: make sure that the task is registered
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
// A registration survives crashes and reboots. A trigger that fires while a
// condition does not hold is kept until it does. One run of a registration is
// live at a time; it ends with exactly one recorded outcome, and at least one run
// follows each firing: a task has to stand a repetition, which it can tell by
// [Instance.Occurrence].
//
// The words and the numbers are those of Windows.ApplicationModel.Background.
package bgtask

import (
	"context"
	"errors"
)

// Task is what an application implements. One value serves all activations, at
// the same time too, as an http.Handler does.
//
// Run returns nil when its work is done, also after it was canceled: the outcome
// is Completed. An error after a cancel makes it Canceled with the reason.
// Otherwise Retry(err) asks for another attempt, and any other error is Failed.
// When the run is told to stop, ctx ends; its cause is the reason, a
// [CancellationReason].
type Task interface {
	Run(ctx context.Context, instance *Instance) error
}

// TaskFunc is a function as a Task.
type TaskFunc func(ctx context.Context, instance *Instance) error

// Run calls f.
func (f TaskFunc) Run(ctx context.Context, instance *Instance) error { return f(ctx, instance) }

// Retry makes err, returned by Run, ask for another attempt, after a back-off and
// as often as the registration's RetryPolicy allows. Retry(nil) is nil.
func Retry(err error) error {
	if err == nil {
		return nil
	}
	return &retryError{err}
}

type retryError struct{ error }

func (e *retryError) Unwrap() error { return e.error }

func asksRetry(err error) bool { return errors.As(err, new(*retryError)) }
