package bgtask_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/bgtasktest"
	"github.com/bgtask/bgtask/task"
)

var errBroken = errors.New("broken")

// start runs f as a task.
func start(t *testing.T, f bgtask.TaskFunc) *bgtasktest.Run {
	t.Helper()
	return bgtasktest.Start(t, f, bgtasktest.Activation{})
}

func untilCanceled(ctx context.Context, _ *bgtask.Instance) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

func TestOutcomes(t *testing.T) {
	silence(t)
	for name, c := range map[string]struct {
		run    bgtask.TaskFunc
		cancel bool
		want   bgtask.Outcome
		err    error // that Wait gives
	}{
		"completed":  {func(context.Context, *bgtask.Instance) error { return nil }, false, bgtask.Completed, nil},
		"failed":     {func(context.Context, *bgtask.Instance) error { return errBroken }, false, bgtask.Failed, errBroken},
		"retry":      {func(context.Context, *bgtask.Instance) error { return fmt.Errorf("x: %w", bgtask.Retry(errBroken)) }, false, bgtask.RetryAsked, errBroken},
		"canceled":   {untilCanceled, true, bgtask.Canceled, bgtask.ReasonConditionLoss},
		"done early": {func(ctx context.Context, _ *bgtask.Instance) error { <-ctx.Done(); return nil }, true, bgtask.Completed, nil},
		"retry after a cancel": {func(ctx context.Context, _ *bgtask.Instance) error {
			<-ctx.Done()
			return bgtask.Retry(errBroken)
		}, true, bgtask.Canceled, errBroken},
		"own reason": {func(context.Context, *bgtask.Instance) error { return bgtask.ReasonAbort }, false, bgtask.Failed, bgtask.ReasonAbort},
		"panic":      {func(context.Context, *bgtask.Instance) error { panic("at the disco") }, false, bgtask.Crashed, nil},
		"goexit":     {func(context.Context, *bgtask.Instance) error { runtime.Goexit(); return nil }, false, bgtask.Crashed, nil},
	} {
		t.Run(name, func(t *testing.T) {
			run := start(t, c.run)
			if c.cancel {
				run.Cancel(bgtask.ReasonConditionLoss)
			}
			err := run.Wait()
			if c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("Wait gave %v, not %v", err, c.err)
			}
			if got := run.Outcome(); got != c.want {
				t.Errorf("the outcome is %v, not %v", got, c.want)
			}
			var failed *bgtask.RunError
			if c.want == bgtask.Crashed && !errors.As(err, &failed) {
				t.Errorf("Wait gave %v after a crash", err)
			}
		})
	}
}

// silence captures the default log, so that expected errors do not appear in the
// output of the test.
func silence(t *testing.T) *bytes.Buffer {
	var log bytes.Buffer
	was := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(was) })
	return &log
}

func TestRetryOfNil(t *testing.T) {
	if err := bgtask.Retry(nil); err != nil {
		t.Errorf("Retry(nil) is %v", err)
	}
	if err := bgtask.Retry(errBroken); err.Error() != "broken" {
		t.Errorf("Retry says %q", err)
	}
}

// TestDeferral checks that a run is over, and its context ends, when its deferrals are
// complete.
func TestDeferral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended time.Duration
		began := time.Now()
		run := start(t, func(ctx context.Context, instance *bgtask.Instance) error {
			first, second := instance.GetDeferral(), instance.GetDeferral()
			context.AfterFunc(ctx, func() { ended = time.Since(began) })
			go func() {
				time.Sleep(time.Hour)
				first.Complete()
				first.Complete()
				first.Fail(errors.New("too late"))
				time.Sleep(time.Hour)
				second.Fail(errBroken)
			}()
			return nil
		})
		if err := run.Wait(); err == nil || err.Error() != "failed: broken" {
			t.Errorf("Wait gave %v", err)
		}
		synctest.Wait()
		if ended != 2*time.Hour {
			t.Errorf("the context ended after %v", ended)
		}
	})
}

func TestDeferralAfterTheEnd(t *testing.T) {
	log := silence(t)
	run := start(t, func(context.Context, *bgtask.Instance) error { return nil })
	run.Wait()
	run.Instance().GetDeferral().Complete()
	if !strings.Contains(log.String(), "after the run's end") {
		t.Errorf("nothing was logged: %s", log)
	}
	if err := run.Instance().SaveCheckpoint(nil); !errors.Is(err, bgtask.ErrInvalid) {
		t.Errorf("a checkpoint after the end: %v", err)
	}
	run.Instance().SetProgress(9) // harmless
}

// TestCanceledHandlers checks that the context's cause and the handlers have the same
// reason, the first one.
func TestCanceledHandlers(t *testing.T) {
	var reasons []bgtask.CancellationReason
	run := start(t, func(ctx context.Context, instance *bgtask.Instance) error {
		early := make(chan struct{})
		instance.Canceled(func(_ *bgtask.Instance, reason bgtask.CancellationReason) {
			reasons = append(reasons, reason)
			close(early)
		})
		instance.SetProgress(1)
		<-ctx.Done()
		<-early
		instance.Canceled(func(_ *bgtask.Instance, reason bgtask.CancellationReason) { reasons = append(reasons, reason) })
		return context.Cause(ctx)
	})
	run.WaitProgress(1)
	run.Cancel(bgtask.ReasonConditionLoss)
	run.Cancel(bgtask.ReasonAbort)
	if err := run.Wait(); !errors.Is(err, bgtask.ReasonConditionLoss) {
		t.Errorf("the cause was %v", err)
	}
	if len(reasons) != 2 || reasons[0] != bgtask.ReasonConditionLoss || reasons[1] != bgtask.ReasonConditionLoss {
		t.Errorf("the handlers received %v", reasons)
	}
}

// TestPanicInHandler checks that a run is not over before its handlers have returned,
// and that a panic in one crashes the run.
func TestPanicInHandler(t *testing.T) {
	silence(t)
	release := make(chan struct{})
	run := start(t, func(ctx context.Context, instance *bgtask.Instance) error {
		instance.Canceled(func(*bgtask.Instance, bgtask.CancellationReason) {
			<-release
			panic("late")
		})
		instance.SetProgress(1)
		<-ctx.Done()
		return nil
	})
	run.WaitProgress(1)
	run.Cancel(bgtask.ReasonAbort)
	close(release)
	run.Wait()
	if got := run.Outcome(); got != bgtask.Crashed {
		t.Errorf("the outcome is %v", got)
	}
}

// TestPanicCancelsDeferrals checks that a panic cancels the rest of the run.
func TestPanicCancelsDeferrals(t *testing.T) {
	silence(t)
	run := start(t, func(ctx context.Context, instance *bgtask.Instance) error {
		deferral := instance.GetDeferral()
		context.AfterFunc(ctx, deferral.Complete)
		panic("now")
	})
	if err := run.Wait(); err == nil || !strings.Contains(err.Error(), "panic: now") {
		t.Errorf("Wait gave %v", err)
	}
}

func TestInstance(t *testing.T) {
	a := bgtasktest.Activation{
		Task:        bgtask.Builder{Name: "Sync", Trigger: bgtask.TimeTrigger{Freshness: time.Hour}},
		Details:     bgtask.TimeTriggerDetails{Missed: 3},
		Occurrence:  bgtask.Occurrence{Number: 7, Count: 4},
		Attempt:     2,
		Checkpoint:  []byte("half"),
		LocalFolder: t.TempDir(),
	}
	run := bgtasktest.Start(t, bgtask.TaskFunc(func(ctx context.Context, i *bgtask.Instance) error {
		if i.Task().Name() != "Sync" || i.Task().Spec().Trigger != a.Task.Trigger || i.InstanceID().IsZero() || i.Task().TaskID().IsZero() {
			t.Errorf("the task is %+v", i.Task().Spec())
		}
		if i.TriggerDetails() != a.Details || i.Occurrence() != a.Occurrence || i.Attempt() != 2 || i.LocalFolder() != a.LocalFolder {
			t.Errorf("got %+v, %+v, %d, %s", i.TriggerDetails(), i.Occurrence(), i.Attempt(), i.LocalFolder())
		}
		if string(i.Checkpoint()) != "half" {
			t.Errorf("the checkpoint is %q", i.Checkpoint())
		}
		i.SetProgress(42)
		if err := i.SaveCheckpoint(make([]byte, task.MaxPayload+1)); !errors.Is(err, bgtask.ErrLimit) {
			t.Errorf("a large checkpoint: %v", err)
		}
		if _, err := i.Task().State(ctx); !errors.Is(err, bgtask.ErrNotSupported) {
			t.Errorf("asking a broker that is not there: %v", err)
		}
		return i.SaveCheckpoint([]byte("whole"))
	}), a)
	if err := run.Wait(); err != nil {
		t.Fatal(err)
	}
	if string(run.Checkpoint()) != "whole" || run.Progress() != 42 {
		t.Errorf("saved %q, progress %d", run.Checkpoint(), run.Progress())
	}
}

// TestUnfinishedRunIsTerminated checks that a run ends with the test that started it.
func TestUnfinishedRunIsTerminated(t *testing.T) {
	var cause error
	t.Run("unfinished", func(t *testing.T) {
		start(t, func(ctx context.Context, _ *bgtask.Instance) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return cause
		})
	})
	if !errors.Is(cause, bgtask.ReasonTerminating) {
		t.Errorf("the run was canceled with %v", cause)
	}
}
