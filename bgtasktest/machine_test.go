package bgtasktest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/bgtasktest"
)

var class = bgtask.MustGUID("7e570000-0000-4000-8000-0000000000c1")

func builder(m *bgtasktest.Machine) bgtask.Builder {
	return bgtask.Builder{
		Name: "Sync", EntryPoint: class, Trigger: bgtask.TimeTrigger{Freshness: 15 * time.Minute},
		Conditions: []bgtask.Condition{bgtask.InternetAvailable}, Client: m.Client(),
	}
}

func untilCanceled(ctx context.Context, _ *bgtask.Instance) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// world runs a test in a bubble, on a machine with a registered task.
func world(t *testing.T, run bgtask.TaskFunc, change func(*bgtask.Builder), test func(*testing.T, *bgtasktest.Machine, *bgtask.Registration)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m, reg := register(t, run, change)
		test(t, m, reg)
	})
}

func register(t *testing.T, run bgtask.TaskFunc, change func(*bgtask.Builder)) (*bgtasktest.Machine, *bgtask.Registration) {
	t.Helper()
	m := bgtasktest.NewMachine(t, bgtask.Class{CLSID: class, Task: run})
	b := builder(m)
	if change != nil {
		change(&b)
	}
	reg, err := b.Ensure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m, reg
}

func wantPhase(t *testing.T, reg *bgtask.Registration, want bgtask.Phase) bgtask.State {
	t.Helper()
	synctest.Wait()
	state, err := reg.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if state.Phase != want {
		t.Errorf("the task is %v, not %v", state, want)
	}
	return state
}

func TestMachineHoldsUntilOnline(t *testing.T) {
	world(t, untilCanceled, nil, func(t *testing.T, m *bgtasktest.Machine, reg *bgtask.Registration) {
		m.SetFact("internet", "no")
		time.Sleep(24*time.Hour + time.Minute)
		if state := wantPhase(t, reg, bgtask.Held); state.Waiting != 96 {
			t.Errorf("%d firings wait", state.Waiting)
		}
		m.SetFact("internet", "yes")
		wantPhase(t, reg, bgtask.Running)
	})
}

func TestMachineCancelsOnConditionLoss(t *testing.T) {
	world(t, untilCanceled, func(b *bgtask.Builder) { b.CancelOnConditionLoss = true }, func(t *testing.T, m *bgtasktest.Machine, reg *bgtask.Registration) {
		if _, err := reg.Request(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		wantPhase(t, reg, bgtask.Running)
		m.SetFact("internet", "no")
		time.Sleep(10 * time.Second)
		wantPhase(t, reg, bgtask.Held)
		last, err := reg.LastRun(t.Context())
		if err != nil || !errors.Is(last.Err(), bgtask.ReasonConditionLoss) {
			t.Errorf("the last run: %v, %v", last.Err(), err)
		}
	})
}

func TestMachineKillsHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := make(chan int, 8)
		m, reg := register(t, func(ctx context.Context, i *bgtask.Instance) error {
			attempts <- i.Attempt()
			return untilCanceled(ctx, i)
		}, nil)
		if _, err := reg.Request(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if n := <-attempts; n != 1 {
			t.Errorf("attempt %d", n)
		}
		if n := m.KillHost(); n != 1 {
			t.Errorf("%d servers were killed", n)
		}
		wantPhase(t, reg, bgtask.BackingOff)
		if n := <-attempts; n != 2 { // after a back-off
			t.Errorf("attempt %d", n)
		}
		for run, err := range reg.History(t.Context()) {
			if err != nil || run.Outcome != bgtask.Crashed || run.Exit != "signal: killed" {
				t.Errorf("the first attempt: %v, %v", run.Err(), err)
			}
		}
	})
}

// What became due in sleep is made up for shortly after it, as one run.
func TestMachineSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := make(chan bgtask.Occurrence, 8)
		m, _ := register(t, func(_ context.Context, i *bgtask.Instance) error { runs <- i.Occurrence(); return nil }, nil)
		m.Suspend(24 * time.Hour)
		if o := <-runs; o.Missed+o.Count != 96 {
			t.Errorf("made up for %d instants: %+v", o.Missed+o.Count, o)
		}
		if o := <-runs; o.Missed != 0 {
			t.Errorf("and again %+v", o)
		}
	})
}

// The open application serves too; the machine launches nothing then. A launched
// server leaves by itself.
func TestMachineRunsInTheApplication(t *testing.T) {
	world(t, func(context.Context, *bgtask.Instance) error { return nil }, nil, func(t *testing.T, m *bgtasktest.Machine, reg *bgtask.Registration) {
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		here := make(chan struct{}, 1)
		app := &bgtask.Server{Client: m.Client(), Classes: []bgtask.Class{{CLSID: class, Task: bgtask.TaskFunc(func(context.Context, *bgtask.Instance) error {
			here <- struct{}{}
			return nil
		})}}}
		go func() { ended <- app.Serve(ctx) }()
		synctest.Wait()
		if _, err := reg.Request(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		<-here
		if n := m.KillHost(); n != 0 {
			t.Errorf("%d servers were launched", n)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if _, err := reg.Request(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		last, err := reg.LastRun(t.Context())
		if err != nil || last.Outcome != bgtask.Completed || last.Launch.IsZero() {
			t.Errorf("without the application: %+v, %v", last, err)
		}
		time.Sleep(time.Minute)
		if n := m.KillHost(); n != 0 {
			t.Error("the launched server has not left")
		}
	})
}

func TestMachineRetriesFromTheCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		saved := make(chan string, 8)
		_, reg := register(t, func(_ context.Context, i *bgtask.Instance) error {
			saved <- string(i.Checkpoint())
			if err := i.SaveCheckpoint([]byte("half")); err != nil {
				return err
			}
			if i.Attempt() == 1 {
				return bgtask.Retry(errors.New("not now"))
			}
			return nil
		}, nil)
		if _, err := reg.Request(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if a, b := <-saved, <-saved; a != "" || b != "half" {
			t.Errorf("the attempts began at %q and %q", a, b)
		}
		wantPhase(t, reg, bgtask.Waiting)
	})
}

func TestMachineWatch(t *testing.T) {
	world(t, func(context.Context, *bgtask.Instance) error { return nil }, nil, func(t *testing.T, m *bgtasktest.Machine, reg *bgtask.Registration) {
		var cursor bgtask.Cursor
		var kinds []bgtask.EventKind
		for ev, err := range reg.Watch(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if kinds = append(kinds, ev.Kind); ev.Kind == bgtask.EventSynced {
				cursor = ev.Cursor()
				break
			}
		}
		if len(kinds) != 2 || kinds[0] != bgtask.EventSnapshot {
			t.Errorf("the snapshot was %v", kinds)
		}
		if _, err := reg.Request(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		for ev, err := range reg.Watch(t.Context(), cursor) {
			if err != nil {
				t.Fatal(err)
			}
			if ev.Kind == bgtask.EventEnded {
				if ev.Run.Outcome != bgtask.Completed {
					t.Errorf("ended %v", ev.Run.Outcome)
				}
				break
			}
		}
		why, err := reg.Why(t.Context())
		if err != nil || why.Info.TaskID != reg.TaskID() || why.String() == "" {
			t.Errorf("why: %v, %v", why, err)
		}
	})
}

func TestMachineRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := bgtasktest.NewMachine(t)
		b := builder(m)
		if _, err := b.Ensure(t.Context()); !errors.Is(err, bgtask.ErrClassNotDeclared) {
			t.Errorf("an undeclared class: %v", err)
		}
	})
}

func TestToasts(t *testing.T) {
	said := make(chan bgtask.Details, 1)
	run := func(_ context.Context, task *bgtask.Instance) error {
		said <- task.TriggerDetails()
		return nil
	}
	byToast := func(b *bgtask.Builder) {
		b.Trigger, b.Conditions = bgtask.ToastNotificationActionTrigger{Tag: "build"}, nil
	}
	world(t, run, byToast, func(t *testing.T, m *bgtasktest.Machine, _ *bgtask.Registration) {
		for _, tag := range []string{"other", "build"} {
			if _, err := m.Client().ShowToast(t.Context(), bgtask.Toast{Title: "Done", Tag: tag, Reply: "Answer"}); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(m.Toasts()); n != 2 {
			t.Fatalf("%d toasts are shown", n)
		}
		m.ActOnToast(1, bgtask.DefaultAction, "") // of another tag
		m.ActOnToast(2, bgtask.ReplyAction, "well done")
		want := bgtask.ToastNotificationActionTriggerDetails{ID: 2, Action: bgtask.ReplyAction, Tag: "build", UserInput: "well done"}
		if got := <-said; got != want {
			t.Errorf("the event was %+v", got)
		}
	})
}
