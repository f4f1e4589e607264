package winbroker

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/internal/winrt"
	"github.com/bgtask/bgtask/task"
)

// fakeHandler simulates the SDK.
type fakeHandler struct {
	mu        sync.Mutex
	refuse    error
	activated []task.Activation
	canceled  []task.CancellationReason
}

func (h *fakeHandler) Activate(a task.Activation) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil {
		return h.refuse
	}
	h.activated = append(h.activated, a)
	return nil
}

func (h *fakeHandler) Cancel(_ task.GUID, reason task.CancellationReason) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.canceled = append(h.canceled, reason)
}

func (h *fakeHandler) reasons() []task.CancellationReason {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.canceled)
}

// stage is a host that serves, in a bubble.
type stage struct {
	t       *testing.T
	system  *fakeSystem
	broker  *Broker
	handler *fakeHandler
	host    client.ClassHost
	taskID  task.GUID
	stop    context.CancelFunc
	ended   chan error
}

func serve(t *testing.T, objects ...task.Object) *stage {
	f, b := newFake(t)
	s := &stage{t: t, system: f, broker: b, handler: &fakeHandler{}, ended: make(chan error, 1)}
	s.taskID = ensure(t, b, spec("Fetch", 15)).TaskID
	f.calledSince()
	s.host = b.NewHost(s.handler, true)
	s.host.SetObjects(objects...)
	var ctx context.Context
	ctx, s.stop = context.WithCancel(t.Context())
	go func() { s.ended <- s.host.Run(ctx) }()
	synctest.Wait()
	return s
}

// activates makes Windows activate the class. The answer comes when the run is over.
func (s *stage) activates(a *fakeActivation) <-chan error {
	a.id.TaskID, a.id.Name = s.taskID, "Fetch"
	if a.id.Instance.IsZero() {
		a.id.Instance = task.GUID{9}
	}
	s.system.mu.Lock()
	run := s.system.classes[class]
	s.system.mu.Unlock()
	answer := make(chan error, 1)
	go func() { answer <- run(a) }()
	synctest.Wait()
	return answer
}

func (s *stage) last() task.Run {
	s.t.Helper()
	info, err := s.broker.Task(s.t.Context(), s.taskID)
	if err != nil || info.LastRun == nil {
		s.t.Fatalf("no run was recorded: %v", err)
	}
	return *info.LastRun
}

func (s *stage) over() {
	s.t.Helper()
	s.stop()
	if err := <-s.ended; err != nil {
		s.t.Error(err)
	}
}

func bubble(t *testing.T, f func(t *testing.T)) { synctest.Test(t, f) }

func TestRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, task.Object{CLSID: class})
		expect(t, s.system, "publish 7 false", "resume")
		a := &fakeActivation{id: winrt.Activated{Details: task.ApplicationTriggerDetails{Arguments: []byte("x")}}}
		answer := s.activates(a)
		given := s.handler.activated[0]
		if given.TaskID != s.taskID || !given.Spec.Equal(spec("Fetch", 15)) || given.CLSID != class || given.Folder != s.system.folder ||
			given.Occurrence.Number != 1 || given.Attempt != 1 || given.Package != s.system.family {
			t.Errorf("%+v", given)
		}
		if info, _ := s.broker.Task(t.Context(), s.taskID); info.State.Phase != task.Running {
			t.Errorf("%+v", info.State)
		}
		s.host.Finish(task.GUID{9}, task.Result{Outcome: task.Failed, Text: "no network"})
		if err := <-answer; err != nil {
			t.Errorf("Windows got the error %v: it would activate the task again", err)
		}
		if !slices.Equal(a.ends, []string{"removed", "completed", "closed"}) {
			t.Error(a.ends)
		}
		if r := s.last(); r.Outcome != task.Failed || r.Text != "no network" || r.Host != hostLaunched || r.Err() == nil {
			t.Errorf("%+v", r)
		}
		s.over()
		expect(t, s.system, "revoke 7", "suspend")
	})
}

// TestProgress checks that there are at most ten updates a second, and always the last
// one, before the end is reported.
func TestProgress(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, task.Object{CLSID: class})
		a := &fakeActivation{}
		answer := s.activates(a)
		for i := range uint32(1000) {
			s.host.Progress(task.GUID{9}, i+1)
			time.Sleep(time.Millisecond)
		}
		s.host.Progress(task.GUID{9}, 5000)
		s.host.Finish(task.GUID{9}, task.Result{Outcome: task.Completed})
		<-answer
		if n := len(a.progress); n > 13 || n < 9 || a.progress[n-1] != 5000 {
			t.Errorf("%d updates: %d", len(a.progress), a.progress)
		}
		if r := s.last(); r.Progress != 5000 || r.Outcome != task.Completed {
			t.Errorf("%+v", r)
		}
		s.over()
	})
}

// TestCancel checks a cancel, including one that comes before the task was entered.
func TestCancel(t *testing.T) {
	for _, early := range []bool{false, true} {
		for _, row := range task.Reasons() {
			reason := row.Reason
			bubble(t, func(t *testing.T) {
				s := serve(t, task.Object{CLSID: class})
				a := &fakeActivation{}
				if early {
					a.early = &reason
				}
				answer := s.activates(a)
				if !early {
					a.cancel(reason)
				}
				if got := s.handler.reasons(); !slices.Equal(got, []task.CancellationReason{reason}) {
					t.Errorf("early %v: %v", early, got)
				}
				s.host.Finish(task.GUID{9}, task.Result{Outcome: task.Canceled, Reason: reason, Text: "stopped"})
				<-answer
				if r := s.last(); r.Outcome != task.Canceled || !errors.Is(r.Err(), reason) {
					t.Errorf("%+v", r)
				}
				s.over()
			})
		}
	}
}

// TestLostConnection checks that a task is asked to stop when the broker is gone, even
// if it reports no progress.
func TestLostConnection(t *testing.T) {
	for _, reports := range []bool{true, false} {
		bubble(t, func(t *testing.T) {
			s := serve(t, task.Object{CLSID: class})
			a := &fakeActivation{}
			answer := s.activates(a)
			a.die()
			if reports {
				s.host.Progress(task.GUID{9}, 1)
				synctest.Wait()
			} else {
				time.Sleep(askEvery + time.Second)
			}
			if got := s.handler.reasons(); !slices.Equal(got, []task.CancellationReason{task.ReasonTerminating}) {
				t.Fatalf("got cancels %v", got)
			}
			time.Sleep(time.Minute)
			if len(s.handler.reasons()) != 1 || a.asked > 1 {
				t.Error("the lost connection was reported or checked again")
			}
			s.host.Finish(task.GUID{9}, task.Result{Outcome: task.Canceled, Reason: task.ReasonTerminating})
			<-answer
			if r := s.last(); r.Outcome != task.Canceled {
				t.Errorf("%+v", r)
			}
			s.over()
		})
	}
}

func TestRefusedActivation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, task.Object{CLSID: class})
		for refusal, want := range map[error]error{
			task.ErrUnavailable: com.ServerStopping, task.ErrClassNotDeclared: com.ClassNotAvailable,
		} {
			s.handler.refuse = refusal
			a := &fakeActivation{}
			if err := <-s.activates(a); !errors.Is(err, want) {
				t.Errorf("%v: Windows got %v", refusal, err)
			}
			if !slices.Contains(a.ends, "removed") || !slices.Contains(a.ends, "completed") || !slices.Contains(a.ends, "closed") {
				t.Error(a.ends)
			}
			if r := s.last(); r.Outcome != task.ActivationFailed {
				t.Errorf("%+v", r)
			}
		}
		a := &fakeActivation{gone: com.Disconnected}
		if err := <-s.activates(a); !errors.Is(err, com.Disconnected) {
			t.Error(err)
		}
		s.over()
	})
}

// TestCheckpoint checks that the next run gets the checkpoint of one that was stopped.
func TestCheckpoint(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, task.Object{CLSID: class})
		run := func(outcome task.Outcome) string {
			answer := s.activates(&fakeActivation{})
			given := s.handler.activated[len(s.handler.activated)-1].Checkpoint
			if err := s.host.SaveCheckpoint(t.Context(), task.GUID{9}, []byte("half")); err != nil {
				t.Error(err)
			}
			s.host.Finish(task.GUID{9}, task.Result{Outcome: outcome})
			<-answer
			if given == nil {
				return ""
			}
			return string(given.Data)
		}
		for i, step := range []struct {
			outcome task.Outcome
			given   string
		}{{task.Canceled, ""}, {task.RetryAsked, "half"}, {task.Crashed, "half"}, {task.Completed, "half"}, {task.Failed, ""}, {task.Completed, ""}} {
			if got := run(step.outcome); got != step.given {
				t.Errorf("run %d was given %q, want %q", i+1, got, step.given)
			}
		}
		if err := s.host.SaveCheckpoint(t.Context(), task.GUID{9}, nil); !errors.Is(err, task.ErrInvalid) {
			t.Error("after the run:", err)
		}
		s.over()
	})
}

// TestEnd checks that runs end before the host does, and that nothing is activated
// meanwhile.
func TestEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, task.Object{CLSID: class})
		answer := s.activates(&fakeActivation{})
		s.system.calledSince()
		s.stop()
		time.Sleep(time.Hour)
		select {
		case <-s.ended:
			t.Fatal("the host ended before its run")
		default:
		}
		expect(t, s.system, "revoke 7")
		s.host.Finish(task.GUID{9}, task.Result{Outcome: task.Completed})
		<-answer
		s.over()
		expect(t, s.system, "suspend")
	})
}

func TestSuspendAndSingleUse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, task.Object{CLSID: class, Suspended: true}, task.Object{CLSID: task.GUID{8}, SingleUse: true, Suspended: true})
		expect(t, s.system, "publish 7 false", "publish 8 true")
		s.host.SetObjects(task.Object{CLSID: class}, task.Object{CLSID: task.GUID{8}, SingleUse: true})
		synctest.Wait()
		expect(t, s.system, "resume")
		s.host.SetObjects(task.Object{CLSID: class})
		synctest.Wait()
		expect(t, s.system, "revoke 8")
		s.host.SetObjects(task.Object{CLSID: class, Suspended: true})
		synctest.Wait()
		expect(t, s.system, "suspend")
		s.over()
	})
}

// TestLeave checks that a process stays while something needs it, but not forever for
// an unused object.
func TestLeave(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, task.Object{CLSID: class})
		leave := func() bool {
			left, err := s.host.Leave(t.Context())
			if err != nil {
				t.Error(err)
			}
			return left
		}
		answer := s.activates(&fakeActivation{})
		if leave() {
			t.Error("the host left although a run is live")
		}
		s.host.Finish(task.GUID{9}, task.Result{Outcome: task.Completed})
		<-answer
		synctest.Wait()
		s.system.Hold() // an object whose client is about to call, or dead
		if leave() {
			t.Error("the host left although an object is held")
		}
		time.Sleep(forgottenAfter + time.Second)
		s.system.calledSince()
		if !leave() {
			t.Error("the host stayed for a client that is dead")
		}
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
		expect(t, s.system, "suspend", "revoke 7")
		if !leave() {
			t.Error("the host stayed when asked again")
		}
	})
}

// TestLeaveBeforeFirstActivation checks that a process stays until the client that started it
// had time to activate something.
func TestLeaveBeforeFirstActivation(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := serve(t, task.Object{CLSID: class})
		s.system.calledSince()
		if left, err := s.host.Leave(t.Context()); left || err != nil {
			t.Error(left, err)
		}
		time.Sleep(expectedFor)
		if left, err := s.host.Leave(t.Context()); !left || err != nil {
			t.Error(left, err)
		}
		if err := <-s.ended; err != nil {
			t.Error(err)
		}
		expect(t, s.system, "suspend", "revoke 7")
		if s.system.count != 0 {
			t.Errorf("the process is held %d times", s.system.count)
		}
	})
}

func TestClassThatCannotBePublished(t *testing.T) {
	f, b := newFake(t)
	f.registerBusy = com.AccessDenied
	b.logger = slog.New(slog.DiscardHandler)
	host := b.NewHost(&fakeHandler{}, false)
	host.SetObjects(task.Object{CLSID: class})
	if err := host.Run(t.Context()); !errors.Is(err, com.AccessDenied) || task.Hint(err) == "" {
		t.Error(err)
	}
	if f.count != 0 {
		t.Errorf("the process is held %d times", f.count)
	}
}
