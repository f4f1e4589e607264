package bgtask_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// broker is the broker's end of one host's stream, in a bubble.
type broker struct {
	client.NoBroker
	t     *testing.T
	far   *client.Far
	heard []wire.HostFrame
	stay  int // how often it answers a Leave with Stay
}

func (b *broker) Attach(ctx context.Context, _ bool) (client.Stream, error) {
	near, far := client.Pipe(ctx)
	b.far = far
	go func() {
		defer far.Close(bgtask.ErrUnavailable)
		for {
			f, err := far.Recv()
			if err != nil {
				return
			}
			b.heard = append(b.heard, f)
			switch f := f.(type) {
			case wire.Hello:
				far.Send(wire.Welcome{})
			case wire.Finished:
				far.Send(wire.Acknowledge{Instance: f.Instance})
			case wire.Leave:
				if b.stay--; b.stay >= 0 {
					far.Send(wire.Stay{})
				} else {
					far.Send(wire.LeaveConfirmed{})
				}
			}
		}
	}()
	return near, nil
}

func (b *broker) send(f wire.BrokerFrame) {
	b.t.Helper()
	if err := b.far.Send(f); err != nil {
		b.t.Fatal(err)
	}
	synctest.Wait()
}

func (b *broker) activates(class, instance bgtask.GUID) {
	b.t.Helper()
	b.send(wire.Activate{Activation: task.Activation{Instance: instance, CLSID: class}})
}

// last returns the newest frame of type F, or its zero value.
func last[F wire.HostFrame](b *broker) F {
	var found F
	for _, f := range slices.Backward(b.heard) {
		if f, ok := f.(F); ok {
			return f
		}
	}
	return found
}

var (
	first  = bgtask.GUID{1}
	second = bgtask.GUID{2}
)

// serving starts a Server against a broker, as a launched process if launched is true.
func serving(t *testing.T, s *bgtask.Server, launched bool, stay int) (*broker, context.CancelFunc, <-chan error) {
	t.Helper()
	b := &broker{t: t, stay: stay, NoBroker: client.NoBroker{Err: bgtask.ErrNotSupported}}
	var token task.LaunchToken
	if launched {
		token[0] = 1
	}
	s.Client = bgtask.NewTestClient(b, token)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	synctest.Wait()
	return b, stop, ended
}

func isOver(ended <-chan error) bool {
	synctest.Wait()
	select {
	case <-ended:
		return true
	default:
		return false
	}
}

// TestLinger checks that a launched process without a run leaves after its linger time,
// if the broker agrees, and that a process the user started stays.
func TestLinger(t *testing.T) {
	for _, c := range []struct {
		name     string
		launched bool
		linger   time.Duration
		stay     int
		want     time.Duration
	}{
		{"default", true, 0, 0, 10 * time.Second},
		{"own", true, time.Minute, 0, time.Minute},
		{"stay", true, 0, 2, 30 * time.Second},
		{"application", false, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &bgtask.Server{Classes: []bgtask.Class{{CLSID: first, Task: bgtask.TaskFunc(untilCanceled)}}, Linger: c.linger}
				began := time.Now()
				_, stop, ended := serving(t, s, c.launched, c.stay)
				if !c.launched {
					time.Sleep(time.Hour)
					if isOver(ended) {
						t.Fatal("an application ended by itself")
					}
					stop()
				}
				if err := <-ended; err != nil {
					t.Error(err)
				}
				if took := time.Since(began); c.launched && took != c.want {
					t.Errorf("left after %v, not %v", took, c.want)
				}
			})
		})
	}
}

func TestLingerBeginsAfterTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &bgtask.Server{Classes: []bgtask.Class{{CLSID: first, Task: bgtask.TaskFunc(untilCanceled)}}}
		b, _, ended := serving(t, s, true, 0)
		b.activates(first, second)
		time.Sleep(time.Hour)
		if isOver(ended) {
			t.Fatal("left with a run")
		}
		began := time.Now()
		b.send(wire.CancelRun{Instance: second, Reason: bgtask.ReasonAbort})
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != task.LingerTime {
			t.Errorf("left after %v", took)
		}
		want := task.Result{Outcome: task.Canceled, Reason: task.ReasonAbort} // the text would repeat the reason
		if got := last[wire.Finished](b).Result; got != want {
			t.Errorf("finished with %+v", got)
		}
	})
}

// TestSingleUse checks that a launched server leaves when its only class, a SingleUse
// one, has been used.
func TestSingleUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &bgtask.Server{Classes: []bgtask.Class{{CLSID: first, Task: bgtask.TaskFunc(untilCanceled), SingleUse: true}}}
		b, _, ended := serving(t, s, true, 0)
		b.activates(first, second)
		if got := last[wire.ObjectsChanged](b); len(got.Objects) != 0 {
			t.Errorf("still there: %v", got.Objects)
		}
		b.activates(first, bgtask.GUID{3})
		if got := last[wire.Refused](b); got.Instance != (bgtask.GUID{3}) {
			t.Error("a second activation was not refused")
		}
		began := time.Now()
		b.send(wire.CancelRun{Instance: second})
		if err := <-ended; err != nil || time.Since(began) != 0 {
			t.Errorf("left after %v with %v", time.Since(began), err)
		}
	})
}

// TestEndOfServe checks that the end of Serve's context cancels the runs with
// Terminating and that Serve waits for them.
func TestEndOfServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := bgtask.TaskFunc(func(ctx context.Context, _ *bgtask.Instance) error {
			<-ctx.Done()
			time.Sleep(time.Minute)
			return context.Cause(ctx)
		})
		b, stop, ended := serving(t, &bgtask.Server{Classes: []bgtask.Class{{CLSID: first, Task: slow}}}, false, 0)
		b.activates(first, second)
		began := time.Now()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != time.Minute {
			t.Errorf("Serve returned after %v", took)
		}
		if got := last[wire.Finished](b).Result; got.Outcome != task.Canceled || got.Reason != task.ReasonTerminating {
			t.Errorf("finished with %+v", got)
		}
	})
}

func TestSuspendAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &bgtask.Server{Suspended: true, Classes: []bgtask.Class{
			{CLSID: first, Task: bgtask.TaskFunc(untilCanceled)}, {CLSID: second, Task: bgtask.TaskFunc(untilCanceled)}}}
		b, stop, ended := serving(t, s, false, 0)
		if objects := last[wire.Hello](b).Objects; len(objects) != 2 || !objects[0].Suspended || !objects[1].Suspended {
			t.Errorf("published %+v", objects)
		}
		s.Resume()
		synctest.Wait()
		if objects := last[wire.ObjectsChanged](b).Objects; len(objects) != 2 || objects[0].Suspended {
			t.Errorf("after Resume %+v", objects)
		}
		s.Suspend()
		synctest.Wait()
		if objects := last[wire.ObjectsChanged](b).Objects; len(objects) != 2 || !objects[0].Suspended {
			t.Errorf("after Suspend %+v", objects)
		}
		stop()
		<-ended
	})
}

func TestOneServerAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &bgtask.Server{Classes: []bgtask.Class{{CLSID: first, Task: bgtask.TaskFunc(untilCanceled)}}}
		_, stop, ended := serving(t, s, false, 0)
		other := &bgtask.Server{Classes: s.Classes, Client: s.Client}
		if err := other.Serve(t.Context()); !errors.Is(err, bgtask.ErrConflict) {
			t.Errorf("a second Serve: %v", err)
		}
		stop()
		<-ended
	})
}

// TestDroppedServer checks that a host whose stream the broker closes cancels its runs,
// and that Serve returns the reason.
func TestDroppedServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cause error
		b, _, ended := serving(t, &bgtask.Server{Classes: []bgtask.Class{{CLSID: first, Task: bgtask.TaskFunc(func(ctx context.Context, _ *bgtask.Instance) error {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return cause
		})}}}, false, 0)
		b.activates(first, second)
		b.send(wire.Drop{Text: "its package was removed"})
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "its package was removed") {
			t.Errorf("Serve gave %v", err)
		}
		if !errors.Is(cause, bgtask.ReasonTerminating) {
			t.Errorf("the run was canceled with %v", cause)
		}
	})
}

func TestServeRefuses(t *testing.T) {
	run := bgtask.TaskFunc(untilCanceled)
	err := (&bgtask.Server{Linger: -1, Classes: []bgtask.Class{{Task: run}, {CLSID: first}, {CLSID: second, Task: run}, {CLSID: second, Task: run}}}).Serve(t.Context())
	for _, want := range []string{"Linger is negative", "has no CLSID", "has no Task", "given twice"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if err := bgtask.Serve(t.Context()); !errors.Is(err, bgtask.ErrInvalid) {
		t.Errorf("without a class: %v", err)
	}
}
