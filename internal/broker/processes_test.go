//go:build linux

package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/task"
)

// fakeLauncher is a machine whose processes do what the test says.
type fakeLauncher struct {
	left []int // by the next End
	*journal
	start  func(process.Callbacks) (task.Process, error)
	find   func(process.Callbacks) (task.Process, error)
	watch  func(exited func(process.Exit)) error
	strays []process.Stray
}

func (f *fakeLauncher) Start(_ context.Context, _ task.ClassServer, _ task.LaunchToken, _ []string, c process.Callbacks) (task.Process, error) {
	return f.start(c)
}
func (f *fakeLauncher) Find(_ task.Process, _ task.LaunchToken, c process.Callbacks) (task.Process, error) {
	return f.find(c)
}
func (f *fakeLauncher) OnExit(_ task.Process, exited func(process.Exit)) (func(), error) {
	return func() {}, f.watch(exited)
}
func (f *fakeLauncher) Signal(token task.LaunchToken, sig syscall.Signal) error {
	f.add("signal %v", sig)
	return nil
}
func (f *fakeLauncher) SignalProcess(p task.Process, sig syscall.Signal) error {
	f.add("signal %v to %v", sig, p)
	return nil
}
func (f *fakeLauncher) Strays() ([]process.Stray, error) {
	f.add("look for strays")
	return f.strays, nil
}
func (f *fakeLauncher) End(context.Context, task.LaunchToken) (left []int, err error) {
	f.add("end")
	left, f.left = f.left, nil
	return left, nil
}

type processRig struct {
	*processes
	machine *fakeLauncher
	cancel  context.CancelFunc
}

// newProcessRig makes processes in the bubble; end waits for them.
func newProcessRig() *processRig {
	machine := &fakeLauncher{journal: new(journal)}
	ctx, cancel := context.WithCancel(context.Background())
	b := &broker{inbox: newInbox(16), hosts: newHosts(), log: slog.New(slog.DiscardHandler)}
	r := &processRig{processes: newProcesses(ctx, b, machine, nil), machine: machine, cancel: cancel}
	r.environ = func(context.Context) []string { return nil }
	return r
}

func (r *processRig) end() {
	r.cancel()
	r.wait()
}

// told is what the engine was told, and what was done before it.
func (r *processRig) told() []string {
	synctest.Wait()
	var all []string
	for _, it := range r.inbox.take(99) {
		all = append(all, strings.TrimPrefix(fmt.Sprintf("%T", it.event), "engine."))
	}
	return append(r.machine.take(), all...)
}

var (
	aToken   = task.LaunchToken{1}
	aProcess = task.Process{PID: 4711, Start: 1, Boot: "boot"}
)

func TestALaunchIsToldInItsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newProcessRig()
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
		r.start(engine.StartServer{Token: aToken, Package: "P"})
		want(t, r.told())
		if got := r.packageOf(aToken); got != "P" {
			t.Errorf("the launch is of package %q", got)
		}
		close(started)
		want(t, r.told(), "ServerStarted", "Exited", "TreeEnded")
		if got := r.packageOf(aToken); got != "" {
			t.Errorf("after its end it is of package %q", got)
		}
	})
}

func TestASignalWaitsForTheProcessThatItIsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newProcessRig()
		defer r.end()
		started := make(chan struct{})
		r.machine.start = func(process.Callbacks) (task.Process, error) { <-started; return aProcess, nil }
		r.start(engine.StartServer{Token: aToken})
		r.signal(engine.Signal{Token: aToken})
		want(t, r.told())
		close(started)
		want(t, r.told(), "signal terminated", "ServerStarted")
	})
}

func TestAServerThatCannotBeStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newProcessRig()
		defer r.end()
		r.machine.start = func(process.Callbacks) (task.Process, error) {
			return task.Process{}, &task.Error{Op: "start", Subject: "/x", Err: process.ErrNoExecutable, Detail: "the executable is missing", Hint: "install it"}
		}
		r.start(engine.StartServer{Token: aToken})
		synctest.Wait()
		got := r.inbox.take(9)
		if len(got) != 1 || got[0].event.(engine.StartFailed).Text != "/x: the executable is missing; install it" {
			t.Errorf("told: %+v", got)
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
			r := newProcessRig()
			defer r.end()
			r.machine.find, r.machine.left = c.find, c.left
			r.find(c.ask)
			if got := r.told(); strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		})
	}
}

func TestStraysAreEndedAfterAllOthersWereFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newProcessRig()
		defer r.end()
		found := make(chan struct{})
		r.machine.find = func(process.Callbacks) (task.Process, error) { <-found; return aProcess, nil }
		r.machine.strays = []process.Stray{{Process: task.Process{PID: 1}, Launch: task.LaunchToken{2}}}
		r.find(engine.FindProcess{Token: aToken})
		r.endStrays()
		want(t, r.told())
		close(found)
		want(t, r.told(), "look for strays", "end", "ServerStarted")
	})
}

func TestAnApplicationIsWatchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newProcessRig()
		defer r.end()
		var exited func(process.Exit)
		r.machine.watch = func(f func(process.Exit)) error { r.machine.add("watch"); exited = f; return nil }
		r.watch(aProcess)
		r.watch(aProcess)
		want(t, r.told(), "watch")
		exited(process.Exit{})
		want(t, r.told(), "Exited")
		r.machine.watch = func(func(process.Exit)) error { return process.ErrGone }
		r.watch(aProcess) // it is gone already
		want(t, r.told(), "Exited")
	})
}

// An exit is told after the last words of its stream, but does not wait for ever.
func TestAnExitWaitsForItsStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newProcessRig()
		defer r.end()
		a, err := r.hosts.attach(t.Context(), aProcess)
		if err != nil {
			t.Fatal(err)
		}
		var exited func(process.Exit)
		r.machine.watch = func(f func(process.Exit)) error { exited = f; return nil }
		r.watch(aProcess)
		go exited(process.Exit{})
		want(t, r.told())
		r.inbox.urge(engine.StreamLost{Host: aProcess})
		r.hosts.detach(a)
		want(t, r.told(), "StreamLost", "Exited")

		if _, err := r.hosts.attach(t.Context(), aProcess); err != nil {
			t.Fatal(err)
		}
		r.watch(aProcess)
		began := time.Now()
		go exited(process.Exit{}) // somebody else holds the connection
		time.Sleep(drainWithin)
		want(t, r.told(), "Exited")
		if d := time.Since(began); d != drainWithin {
			t.Errorf("after %v", d)
		}
	})
}
