//go:build linux

package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// attach attaches the test itself as a host of a package.
func (w *world) attach(family string, hello wire.Hello) (client.Stream, wire.Welcome) {
	w.t.Helper()
	c := w.client(false)
	c.Package = family
	ctx, cancel := context.WithCancel(context.Background())
	w.t.Cleanup(cancel)
	stream, err := c.Attach(ctx, false)
	if err == nil {
		err = stream.Send(hello)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	first, err := stream.Recv()
	if err != nil {
		w.t.Fatal(err)
	}
	welcome, ok := first.(wire.Welcome)
	if !ok {
		w.t.Fatalf("the first frame is %T", first)
	}
	return stream, welcome
}

// TestAHostThatNeverReads checks that such a host is closed when its outbox is full,
// and delays no other host.
func TestAHostThatNeverReads(t *testing.T) {
	w := startWorld(t, "")
	p, deaf := w.install("Warm", many), w.install("Deaf", many)
	app := w.open(p)
	id := w.register(p.Family, event("warm", "go", manyClass))
	e := w.watch()
	warm := func() time.Duration {
		began := time.Now()
		n := w.fire(id, "")
		if run := e.running(id, n); run.PID != app.pid {
			t.Fatalf("it runs in pid %d", run.PID)
		}
		took := time.Since(began)
		e.end(id, n)
		return took
	}
	before := median(warm)
	stream, _ := w.attach(deaf.Family, wire.Hello{})
	sent := make(chan int)
	go func() {
		n := 0
		for stream.Send(wire.Finished{Instance: task.GUID{1}, Result: task.Result{Outcome: task.Completed, Text: strings.Repeat("x", 100)}}) == nil {
			n++
		}
		sent <- n
	}()
	during := median(warm)
	var n int
	select {
	case n = <-sent:
	case <-time.After(patience):
		t.Fatal("a host that never reads is not closed")
	}
	t.Logf("from firing to Run: %v before, %v while a host floods; it was closed after %d frames", before, during, n)
	if during > 20*before+100*time.Millisecond {
		t.Errorf("from firing to Run: %v before, %v while a host floods", before, during)
	}
	w.untouched()
}

func median(f func() time.Duration) time.Duration {
	var all []time.Duration
	for range 21 {
		all = append(all, f())
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// TestAHostThatLies makes false claims about itself and about other hosts.
func TestAHostThatLies(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p, liar := w.install("Honest", many), w.install("Liar", many)
	id := w.register(p.Family, event("honest", "go", manyClass))
	e := w.watch()
	w.gate("gate")
	n := w.fire(id, "gate gate")
	run := e.running(id, n)
	stream, welcome := w.attach(liar.Family, wire.Hello{
		Token:     run.Launch,
		Objects:   []task.Object{{CLSID: manyClass}, {CLSID: task.GUID{7}}},
		Instances: []task.HeldInstance{{Instance: run.ID, Result: &task.Result{Outcome: task.Failed, Text: "a lie"}}, {Instance: task.GUID{8}}},
	})
	if welcome.Launched || welcome.Package != liar.Family {
		t.Errorf("it is welcomed as %+v", welcome)
	}
	for range 3 {
		for _, lie := range []wire.HostFrame{
			wire.Accepted{Instance: run.ID}, wire.Refused{Instance: run.ID, Text: "no"}, wire.Progress{Instance: run.ID, Value: 4711},
			wire.SaveCheckpoint{Request: task.GUID{5}, Instance: run.ID, Data: []byte("a lie")},
			wire.Finished{Instance: run.ID, Result: task.Result{Outcome: task.Completed}}, wire.Finished{Instance: task.GUID{8}, Result: task.Result{Outcome: task.Crashed}},
		} {
			if err := stream.Send(lie); err != nil {
				break // it was disconnected, which is as good
			}
		}
	}
	if err := stream.Send(wire.Leave{}); err == nil {
		awaitLeave(t, stream)
	}
	if live := w.info(id).State.Run; live == nil || live.ID != run.ID || live.Progress == 4711 {
		t.Errorf("the honest run is %+v", live)
	}
	w.opens("gate")
	if ended := e.runEnded(id, n, 1); ended.Outcome != task.Completed || ended.ID != run.ID {
		t.Errorf("the honest run ended %v", ended.Outcome)
	}
	w.untouched()
}

// awaitLeave reads up to the answer. The broker has handled everything sent before it
// by then.
func awaitLeave(t *testing.T, stream client.Stream) {
	t.Helper()
	for {
		frame, err := stream.Recv()
		if err != nil {
			return
		}
		switch frame.(type) {
		case wire.LeaveConfirmed, wire.Stay:
			return
		}
	}
}

// TestAHostThatRepeatsItself reports an outcome twice, and then a different one. The
// first recorded outcome stands.
func TestAHostThatRepeatsItself(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Again", many)
	id := w.register(p.Family, event("again", "go", manyClass))
	e := w.watch()
	stream, _ := w.attach(p.Family, wire.Hello{Objects: []task.Object{{CLSID: manyClass}}})
	n := w.fire(id, "")
	frame, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	a, ok := frame.(wire.Activate)
	if !ok || a.Activation.Occurrence.Number != n {
		t.Fatalf("the first frame is %+v", frame)
	}
	instance := a.Activation.Instance
	for _, f := range []wire.HostFrame{
		wire.Accepted{Instance: instance}, wire.Accepted{Instance: instance},
		wire.Finished{Instance: instance, Result: task.Result{Outcome: task.Failed, Text: "the first"}},
		wire.Finished{Instance: instance, Result: task.Result{Outcome: task.Failed, Text: "the first"}},
		wire.Finished{Instance: instance, Result: task.Result{Outcome: task.Completed}},
		wire.Accepted{Instance: instance}, wire.Progress{Instance: instance, Value: 1},
	} {
		if err := stream.Send(f); err != nil {
			t.Fatal(err)
		}
	}
	for acknowledged := 0; acknowledged < 3; {
		frame, err := stream.Recv()
		if err != nil {
			t.Fatalf("after %d acknowledgements: %v", acknowledged, err)
		}
		if a, ok := frame.(wire.Acknowledge); ok && a.Instance == instance {
			acknowledged++
		}
	}
	if run := e.runEnded(id, n, 1); run.Outcome != task.Failed || run.Text != "the first" {
		t.Errorf("the run ended %v: %q", run.Outcome, run.Text)
	}
	e.end(id, n) // its event follows the run's
	if faults := storyOf(id, e.list()).faults(); len(faults) > 0 {
		t.Error(strings.Join(faults, "\n"))
	}
}

func TestTooManyHostsOfAPackage(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Hosts", many)
	stream, _ := w.attach(p.Family, wire.Hello{})
	c := w.client(false)
	c.Package = p.Family
	second, err := c.Attach(w.context(), false)
	if err == nil {
		if err = second.Send(wire.Hello{}); err == nil {
			_, err = second.Recv()
		}
	}
	if err == nil {
		t.Error("one process has two streams")
	}
	objects := make([]task.Object, task.MaxClasses+1)
	for i := range objects {
		objects[i].CLSID = task.GUID{1, byte(i)}
	}
	if err := stream.Send(wire.ObjectsChanged{Objects: objects}); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err == nil {
		t.Errorf("a host with %d classes is taken", len(objects))
	}
	w.untouched()
}
