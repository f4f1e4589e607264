package client

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

func TestHostRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, task.LaunchToken{})
		if diff := cmp.Diff(wire.Hello{Objects: []task.Object{object}}, s.attached()); diff != "" {
			t.Error(diff)
		}
		s.says(activate(run1))
		s.want(wire.Accepted{Instance: run1})
		s.host.Progress(run1, 7)
		s.host.Finish(run1, done)
		s.want(wire.Progress{Instance: run1, Value: 7}, wire.Finished{Instance: run1, Result: done})
		s.says(wire.Acknowledge{Instance: run1})
		s.stop()
		s.want(wire.ObjectsChanged{}, nil)
		s.line.end <- io.EOF
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
	})
}

// A host sends at most ten updates of a run a second, and always the last one, before the
// outcome.
func TestProgressIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, task.LaunchToken{})
		s.attached()
		s.says(activate(run1))
		s.heard()
		for i := range uint32(1000) {
			s.host.Progress(run1, i+1)
			time.Sleep(time.Millisecond)
		}
		if n := len(s.heard()); n < 9 || n > task.MaxProgressRate+1 {
			t.Errorf("%d updates in a second", n)
		}
		s.host.Progress(run1, 5000)
		s.host.Finish(run1, done)
		s.want(wire.Progress{Instance: run1, Value: 5000}, wire.Finished{Instance: run1, Result: done})
		s.end()
	})
}

func TestRefusedActivation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, task.LaunchToken{})
		s.attached()
		s.refuse = errors.New("no such class")
		s.says(activate(run1))
		s.want(wire.Refused{Instance: run1, Text: "no such class"})
		s.end()
	})
}

// An outcome is repeated on every stream until it is acknowledged.
func TestOutcomeIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, task.LaunchToken{})
		s.attached()
		s.says(activate(run1))
		s.lose()
		want := task.HeldInstance{Instance: run1}
		if diff := cmp.Diff([]task.HeldInstance{want}, s.attached().Instances); diff != "" {
			t.Errorf("a running instance: %s", diff)
		}
		s.host.Progress(run1, 3)
		s.host.Finish(run1, done)
		synctest.Wait()
		for range 3 {
			s.lose()
			want := task.HeldInstance{Instance: run1, Progress: 3, Result: &done}
			if diff := cmp.Diff([]task.HeldInstance{want}, s.attached().Instances); diff != "" {
				t.Errorf("an instance that is over: %s", diff)
			}
		}
		s.says(wire.Acknowledge{Instance: run1})
		s.lose()
		if hello := s.attached(); len(hello.Instances) != 0 {
			t.Errorf("after the acknowledgement: %v", hello.Instances)
		}
		s.end()
	})
}

// An activation that comes twice enters Run once.
func TestActivationIsHarmlessTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, task.LaunchToken{})
		s.attached()
		s.says(activate(run1))
		s.says(activate(run1))
		s.want(wire.Accepted{Instance: run1}, wire.Accepted{Instance: run1})
		if len(s.entered) != 1 {
			t.Errorf("Run was entered %d times", len(s.entered))
		}
		s.host.Finish(run1, done)
		s.end()
	})
}

func TestReconnectIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, task.LaunchToken{})
		s.attached()
		s.desk.close()
		s.lose()
		time.Sleep(time.Minute)
		if n := len(s.desk.allowed()); n < 12 || n > 18 {
			t.Errorf("%d attempts in a minute, want one every five seconds", n)
		}
		s.stop()
		if err := <-s.ended; err != nil {
			t.Errorf("with nothing to report: %v", err)
		}
	})
}

// A host that ends tries for five minutes to report its outcomes.
func TestUntoldOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, task.LaunchToken{1})
		s.attached()
		s.says(activate(run1))
		s.desk.close()
		s.lose()
		s.stop()
		time.Sleep(time.Hour) // the run takes its time
		s.host.Finish(run1, done)
		began := time.Now()
		if err := <-s.ended; !errors.Is(err, task.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != reportFor {
			t.Errorf("gave up after %v", took)
		}
		for _, start := range s.desk.allowed() {
			if start {
				t.Error("a launched server must not start a broker")
			}
		}
	})
}

func TestCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, task.LaunchToken{})
		s.attached()
		s.says(activate(run1))
		s.heard()
		saved := make(chan error, 1)
		go func() { saved <- s.host.SaveCheckpoint(t.Context(), run1, []byte("half")) }()
		first := s.heard()
		s.lose()
		s.attached()
		again := s.heard()
		if diff := cmp.Diff(first, again); diff != "" || len(again) != 1 {
			t.Fatalf("on the new stream, under the same request id (-first +again):\n%s", diff)
		}
		request := again[0].(wire.SaveCheckpoint).Request
		s.says(wire.CheckpointSaved{Request: task.GUID{9}})
		select {
		case <-saved:
			t.Fatal("the answer to another request was taken for the one that was sent")
		default:
		}
		s.says(wire.CheckpointSaved{Request: request, Err: task.ErrLimit})
		if err := <-saved; !errors.Is(err, task.ErrLimit) {
			t.Errorf("got %v", err)
		}
		s.host.Finish(run1, done)
		s.end()
		if err := s.host.SaveCheckpoint(t.Context(), run1, nil); !errors.Is(err, task.ErrUnavailable) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, task.LaunchToken{1})
		s.attached()
		s.says(activate(run1))
		s.heard()
		answer := make(chan bool, 1)
		leave := func() { left, _ := s.host.Leave(t.Context()); answer <- left }

		go leave()
		s.want() // not while an outcome is not acknowledged
		s.host.Finish(run1, done)
		s.want(wire.Finished{Instance: run1, Result: done})
		s.says(wire.Acknowledge{Instance: run1})
		s.want(wire.Leave{})
		s.says(wire.Stay{})
		if <-answer {
			t.Error("Leave returned true, want false")
		}
		go leave()
		s.want(wire.Leave{})
		s.lose()
		s.attached()
		s.want(wire.Leave{}) // asked again
		s.says(wire.LeaveConfirmed{})
		if !<-answer {
			t.Error("Leave returned false, want true")
		}
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
	})
}

func TestDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, task.LaunchToken{})
		s.attached()
		s.says(wire.Drop{Text: "its package was removed"})
		if err := <-s.ended; !errors.Is(err, task.ErrUnavailable) || !strings.Contains(err.Error(), "its package was removed") {
			t.Errorf("got %v", err)
		}
	})
}

// A host attaches again after its broker was stopped, and does not start one.
func TestBrokerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, task.LaunchToken{})
		s.attached()
		s.says(wire.Drop{Stopping: true})
		s.attached()
		s.lose()
		s.attached()
		if diff := cmp.Diff([]bool{true, false, true}, s.desk.allowed()); diff != "" {
			t.Errorf("allowed to start a broker (-want +got):\n%s", diff)
		}
		s.end()
	})
}

// A program that a user starts reports immediately that it cannot serve.
func TestRefusedHost(t *testing.T) {
	for _, want := range []error{task.ErrNoPackage, task.ErrUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			s := &stage{t: t}
			s.host = &Host{Handler: s, Broker: &desk{attach: func(bool) (Stream, error) { return nil, want }}}
			if err := s.host.Run(t.Context()); err != want {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A launched server waits for the broker that launched it.
func TestLaunchedHostWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, ended: make(chan error, 1)}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		s.host = &Host{Token: task.LaunchToken{1}, Handler: s, Broker: &desk{attach: func(bool) (Stream, error) { return nil, task.ErrUnavailable }}}
		go func() { s.ended <- s.host.Run(ctx) }()
		time.Sleep(time.Hour)
		select {
		case err := <-s.ended:
			t.Fatalf("it ended with %v", err)
		default:
		}
		stop()
		<-s.ended
	})
}

func TestObjectsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, task.LaunchToken{})
		s.attached()
		hidden := object
		hidden.Suspended = true
		s.host.SetObjects(hidden)
		s.want(wire.ObjectsChanged{Objects: []task.Object{hidden}})
		s.end()
	})
}
