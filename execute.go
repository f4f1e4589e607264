package bgtask

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/bgtask/bgtask/task"
)

// execute runs t as instance i and returns when Run has returned. Deferrals and
// handlers may still be working; the last to finish reports the result.
func (i *Instance) execute(ctx context.Context, t Task) {
	i.guard(func() error { return t.Run(ctx, i) })
}

// guard does a part of the run's work in the calling goroutine. A panic or Goexit in
// it crashes the run, not the process.
func (i *Instance) guard(work func() error) {
	var err error
	finished := false
	defer func() {
		switch v := recover(); {
		case v != nil:
			i.crash(fmt.Sprint("panic: ", v), debug.Stack())
		case !finished: // testing's FailNow, for one
			i.crash("runtime.Goexit was called", nil)
		}
		i.returned(err)
	}()
	err = work()
	finished = true
}

// crash makes the outcome Crashed and cancels the rest of the run.
func (i *Instance) crash(what string, stack []byte) {
	i.task.client.logger().Error("bgtask: the run crashed", "task", i.task.Name(), "instance", i.InstanceID(), "why", what, "stack", string(stack))
	i.mu.Lock()
	if i.crashed == "" {
		i.crashed = what
	}
	i.mu.Unlock()
	i.cancel(ReasonAbort)
}

// returned records that Run, a deferral or a handler has ended. The last one ends the
// run and reports its result.
func (i *Instance) returned(err error) {
	i.mu.Lock()
	if i.failed == nil {
		i.failed = err
	}
	i.working--
	if i.working > 0 {
		i.mu.Unlock()
		return
	}
	i.over = true
	result := i.result()
	listener := i.listener
	i.mu.Unlock()
	if listener != nil {
		_ = listener.Close() // before the outcome is reported: the next run may start immediately
	}
	i.cancel(context.Canceled) // ends the context; an earlier cause stays
	i.host.Finish(i.InstanceID(), result)
}

// result returns how the run ended, as the host reports it.
func (i *Instance) result() task.Result {
	switch {
	case i.crashed != "":
		return task.Result{Outcome: task.Crashed, Text: i.crashed}
	case i.failed == nil:
		return task.Result{Outcome: task.Completed}
	}
	r := task.Result{Outcome: task.Failed, Text: i.failed.Error()}
	switch {
	case i.reason != nil:
		r.Outcome, r.Reason = task.Canceled, *i.reason
		if r.Text == i.reason.Error() {
			r.Text = "" // Run returned context.Cause: the reason says it already
		}
	case asksRetry(i.failed):
		r.Outcome = task.RetryAsked
	}
	return r
}

// stop cancels the run with a reason. Only the first reason counts.
func (i *Instance) stop(reason CancellationReason) {
	i.mu.Lock()
	if i.reason != nil || i.over {
		i.mu.Unlock()
		return
	}
	i.reason = &reason
	handlers := i.handlers
	if len(handlers) > 0 {
		i.working++ // the run is not over before its handlers have returned
	}
	i.mu.Unlock()
	i.cancel(reason)
	if len(handlers) > 0 {
		go i.guard(func() error {
			for _, handler := range handlers {
				handler(i, reason)
			}
			return nil
		})
	}
}
