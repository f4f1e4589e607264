package bgtask

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/bgtask/bgtask/task"
)

// execute runs t as instance i and returns when Run has; deferrals and handlers
// may still be at work. The last of them to come back reports the result.
func (i *Instance) execute(ctx context.Context, t Task) {
	i.guard(func() error { return t.Run(ctx, i) })
}

// guard is work of the run in a goroutine: a panic there ends the run, not the
// process.
func (i *Instance) guard(work func() error) {
	var err error
	came := false
	defer func() {
		switch v := recover(); {
		case v != nil:
			i.crash(fmt.Sprint("panic: ", v), debug.Stack())
		case !came: // testing's FailNow, for one
			i.crash("runtime.Goexit was called", nil)
		}
		i.returned(err)
	}()
	err = work()
	came = true
}

// crash makes the run Crashed, and cancels what is left of it.
func (i *Instance) crash(what string, stack []byte) {
	i.task.client.logger().Error("bgtask: the run crashed", "task", i.task.Name(), "instance", i.InstanceID(), "why", what, "stack", string(stack))
	i.mu.Lock()
	if i.crashed == "" {
		i.crashed = what
	}
	i.mu.Unlock()
	i.cancel(ReasonAbort)
}

// returned is the end of Run, of a deferral or of a handler.
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
		listener.Close() // before the outcome is told: the next run may come at once
	}
	i.cancel(context.Canceled) // the context's end; a cause that was given stands
	i.host.Finish(i.InstanceID(), result)
}

// result is how the run ended, in the host's words.
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

// tell tells the run to stop. Only the first reason counts.
func (i *Instance) tell(reason CancellationReason) {
	i.mu.Lock()
	if i.reason != nil || i.over {
		i.mu.Unlock()
		return
	}
	i.reason = &reason
	handlers := i.handlers
	if len(handlers) > 0 {
		i.working++ // the run is not over while a handler is at work
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
