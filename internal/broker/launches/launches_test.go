//go:build linux

package launches

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/task"
)

// journal is what happened, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
}

// fakeSupervisor is a machine whose processes do what the test says.
type fakeSupervisor struct {
	left []int // by the next End
	*journal
	start  func(process.Callbacks) (task.Process, error)
	find   func(process.Callbacks) (task.Process, error)
	onExit func(exited func(process.Exit)) error
	strays []process.Stray
}

func (f *fakeSupervisor) Start(_ context.Context, _ task.ClassServer, _ task.LaunchToken, _ []string, c process.Callbacks) (task.Process, error) {
	return f.start(c)
}
func (f *fakeSupervisor) Find(_ task.Process, _ task.LaunchToken, c process.Callbacks) (task.Process, error) {
	return f.find(c)
}
func (f *fakeSupervisor) OnExit(_ task.Process, exited func(process.Exit)) (func(), error) {
	return func() {}, f.onExit(exited)
}
func (f *fakeSupervisor) Signal(token task.LaunchToken, sig syscall.Signal) error {
	f.add("signal %v", sig)
	return nil
}
func (f *fakeSupervisor) SignalProcess(p task.Process, sig syscall.Signal) error {
	f.add("signal %v to %v", sig, p)
	return nil
}
func (f *fakeSupervisor) Strays() ([]process.Stray, error) {
	f.add("look for strays")
	return f.strays, nil
}
func (f *fakeSupervisor) End(context.Context, task.LaunchToken) (left []int, err error) {
	f.add("end")
	left, f.left = f.left, nil
	return left, nil
}

// rig is Launches with a fakeSupervisor and a list of what the engine gets.
type rig struct {
	*Launches
	machine *fakeSupervisor
	cancel  context.CancelFunc

	mu     sync.Mutex
	events []engine.Event
}

// newRig makes Launches in the bubble; end waits for them.
func newRig() *rig {
	ctx, cancel := context.WithCancel(context.Background())
	r := &rig{machine: &fakeSupervisor{journal: new(journal)}, cancel: cancel}
	r.Launches = New(Config{
		Life: ctx, Supervisor: r.machine, Urge: r.urge,
		Drained: func(context.Context, task.Process) {},
		Environ: func(context.Context) []string { return nil },
		Log:     slog.New(slog.DiscardHandler),
	}, nil)
	return r
}

func (r *rig) urge(ev engine.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, ev)
}

func (r *rig) end() {
	r.cancel()
	r.Wait()
}

// take returns the events that the engine got since the last call.
func (r *rig) take() []engine.Event {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	events := r.events
	r.events = nil
	return events
}

// happened returns what the supervisor did, then which events the engine got.
func (r *rig) happened() []string {
	var all []string
	for _, ev := range r.take() {
		all = append(all, strings.TrimPrefix(fmt.Sprintf("%T", ev), "engine."))
	}
	return append(r.machine.journal.take(), all...)
}

var (
	aToken   = task.LaunchToken{1}
	aProcess = task.Process{PID: 4711, Start: 1, Boot: "boot"}
)

func TestALaunchIsReportedInItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		defer r.end()
		started := make(chan struct{})
		r.machine.start = func(c process.Callbacks) (task.Process, error) {
			go func() { // it ends before Start has returned
				c.Exited(process.Exit{Known: true, Code: 3})
				c.Ended(process.Ended{})
			}()
			<-started
			return aProcess, nil
		}
		r.Start(engine.StartServer{Token: aToken, Package: "P"})
		want(t, r.happened())
		if got := r.PackageOf(aToken); got != "P" {
			t.Errorf("the launch is of package %q", got)
		}
		close(started)
		want(t, r.happened(), "ServerStarted", "Exited", "TreeEnded")
		if got := r.PackageOf(aToken); got != "" {
			t.Errorf("after its end it is of package %q", got)
		}
	})
}

func TestASignalWaitsForTheProcessThatItIsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		defer r.end()
		started := make(chan struct{})
		r.machine.start = func(process.Callbacks) (task.Process, error) { <-started; return aProcess, nil }
		r.Start(engine.StartServer{Token: aToken})
		r.Signal(engine.Signal{Token: aToken})
		want(t, r.happened())
		close(started)
		want(t, r.happened(), "signal terminated", "ServerStarted")
	})
}

func TestAServerThatCannotBeStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		defer r.end()
		r.machine.start = func(process.Callbacks) (task.Process, error) {
			return task.Process{}, &task.Error{Op: "start", Subject: "/x", Err: process.ErrNoExecutable, Detail: "the executable is missing", Hint: "install it"}
		}
		r.Start(engine.StartServer{Token: aToken})
		got := r.take()
		if len(got) != 1 || got[0].(engine.StartFailed).Text != "/x: the executable is missing; install it" {
			t.Errorf("the engine got %+v", got)
		}
	})
}

func TestProcessesOfTheLastBroker(t *testing.T) {
	gone := func(process.Callbacks) (task.Process, error) { return task.Process{}, process.ErrGone }
	for _, c := range []struct {
		name string
		find func(process.Callbacks) (task.Process, error)
		ask  engine.FindProcess
		left []int // by the first try to end the tree
		want []string
	}{
		{"alive", func(process.Callbacks) (task.Process, error) { return aProcess, nil }, engine.FindProcess{Process: aProcess, Token: aToken}, nil, []string{"ServerStarted"}},
		{"gone, with what it left", gone, engine.FindProcess{Process: aProcess, Token: aToken}, nil, []string{"end", "Exited", "TreeEnded"}},
		{"gone, with what no signal ends", gone, engine.FindProcess{Process: aProcess, Token: aToken}, []int{7}, []string{"end", "end", "Exited", "TreeEnded", "TreeEnded"}},
		{"never started", gone, engine.FindProcess{Token: aToken}, nil, []string{"StartFailed"}},
		{"cannot be looked at", func(process.Callbacks) (task.Process, error) { return task.Process{}, errors.New("no /proc") }, engine.FindProcess{Token: aToken}, nil, []string{"StartFailed"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig()
			defer r.end()
			r.machine.find, r.machine.left = c.find, c.left
			r.Find(c.ask)
			if got := r.happened(); strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		})
	}
}

func TestStraysAreEndedAfterAllOthersWereFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		defer r.end()
		found := make(chan struct{})
		r.machine.find = func(process.Callbacks) (task.Process, error) { <-found; return aProcess, nil }
		r.machine.strays = []process.Stray{{Process: task.Process{PID: 1}, Launch: task.LaunchToken{2}}}
		r.Find(engine.FindProcess{Token: aToken})
		r.EndStrays()
		want(t, r.happened())
		close(found)
		want(t, r.happened(), "look for strays", "end", "ServerStarted")
	})
}

func TestAnApplicationIsFollowedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		defer r.end()
		var exited func(process.Exit)
		r.machine.onExit = func(f func(process.Exit)) error { r.machine.add("follow"); exited = f; return nil }
		r.Follow(aProcess)
		r.Follow(aProcess)
		want(t, r.happened(), "follow")
		exited(process.Exit{})
		want(t, r.happened(), "Exited")
		r.machine.onExit = func(func(process.Exit)) error { return process.ErrGone }
		r.Follow(aProcess) // it is gone already
		want(t, r.happened(), "Exited")
	})
}

// An exit is reported after the last words of its stream.
func TestAnExitWaitsForItsStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		defer r.end()
		read := make(chan struct{})
		r.Drained = func(context.Context, task.Process) { <-read }
		var exited func(process.Exit)
		r.machine.onExit = func(f func(process.Exit)) error { exited = f; return nil }
		r.Follow(aProcess)
		go exited(process.Exit{})
		want(t, r.happened())
		close(read)
		want(t, r.happened(), "Exited")
	})
}
