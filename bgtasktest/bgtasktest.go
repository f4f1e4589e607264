// Package bgtasktest tests background tasks without a broker.
//
// [Start] runs one task. The test chooses the trigger's details, the occurrence, the
// attempt and the checkpoint, and can cancel the run.
//
// [NewMachine] is a whole machine in memory, with the engine that the broker uses:
// triggers fire, conditions hold tasks back, and class servers are launched and
// killed. In a bubble of testing/synctest, all of it happens in virtual time.
package bgtasktest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Activation is what Start runs a task with. The zero Activation is the first attempt
// at occurrence 1 of a task named "Test", fired manually, with an empty LocalFolder.
type Activation struct {
	Task        bgtask.Builder    // the registration; Name, EntryPoint and Trigger may be zero
	Details     bgtask.Details    // nil: ManualDetails
	Occurrence  bgtask.Occurrence // zero: number 1, fired once, now
	Attempt     int               // from 1; 0: the first
	Checkpoint  []byte            // what an earlier attempt saved; nil: nothing
	LocalFolder string            // "": a temporary folder of the test
}

// Run is a run that Start began. Its methods are safe for concurrent use, but those
// that fail the test must be called from the test's goroutine.
type Run struct {
	t    testing.TB
	desk *desk
}

// Start runs the task in a goroutine, as if the broker had activated it, and returns
// when its Run has been called. An Activation.Task that no broker would register fails
// the test. If the run is not over when the test ends, it is canceled with
// bgtask.ReasonTerminating, and the test waits for it.
func Start(t testing.TB, tested bgtask.Task, a Activation) *Run {
	t.Helper()
	d := &desk{NoBroker: client.NoBroker{Err: errAlone}, activation: a.fill(t), changed: make(chan struct{})}
	c := bgtask.NewTestClient(d, task.LaunchToken{})
	server := &bgtask.Server{Client: c, Classes: []bgtask.Class{{CLSID: d.activation.CLSID, Task: d.watched(tested)}}}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("bgtasktest: %v", err)
		}
	})
	r := &Run{t: t, desk: d}
	r.await(func() bool { return d.instance != nil || d.result != nil })
	if d.instance == nil {
		t.Fatalf("bgtasktest: the run was refused: %s", d.result.Text)
	}
	return r
}

var errAlone = &bgtask.Error{
	Op: "bgtasktest", Err: bgtask.ErrNotSupported, Detail: "the task runs alone, without a broker", Hint: "NewMachine has one",
}

func (a Activation) fill(t testing.TB) task.Activation {
	b := a.Task
	if b.Name == "" {
		b.Name = "Test"
	}
	if b.EntryPoint.IsZero() {
		b.EntryPoint = task.MustGUID("7e570000-0000-4000-8000-000000000001")
	}
	if b.Trigger == nil {
		b.Trigger = bgtask.ApplicationTrigger{}
	}
	if a.Details == nil {
		a.Details = bgtask.ManualDetails{}
	}
	if a.Occurrence == (bgtask.Occurrence{}) {
		now := time.Now().Round(0)
		a.Occurrence = bgtask.Occurrence{Number: 1, Due: now, Observed: now, Last: now, Count: 1}
	}
	if a.LocalFolder == "" {
		a.LocalFolder = t.TempDir()
	}
	filled := task.Activation{
		Instance: task.MustGUID("7e570000-0000-4000-8000-000000000002"), TaskID: task.MustGUID("7e570000-0000-4000-8000-000000000003"),
		Package: "bgtasktest", CLSID: b.EntryPoint, Spec: specOf(t, b), Registered: time.Now().Round(0),
		Occurrence: a.Occurrence, Attempt: max(a.Attempt, 1), Details: a.Details, Folder: a.LocalFolder,
	}
	if a.Checkpoint != nil {
		filled.Checkpoint = &task.Checkpoint{Data: a.Checkpoint, Number: a.Occurrence.Number}
	}
	return filled
}

// specOf returns what b registers. It registers b with a broker that only records,
// so a Builder that no broker would accept fails the test.
func specOf(t testing.TB, b bgtask.Builder) task.Spec {
	t.Helper()
	r := recorder{NoBroker: client.NoBroker{Err: errAlone}}
	b.Client = bgtask.NewTestClient(&r, task.LaunchToken{})
	if _, err := b.Register(context.Background()); err != nil {
		t.Fatalf("bgtasktest: Activation.Task: %v", err)
	}
	return r.spec
}

// recorder is a broker that keeps the last registration and does nothing with it.
type recorder struct {
	client.NoBroker
	spec task.Spec
}

// Register keeps spec.
func (r *recorder) Register(_ context.Context, spec task.Spec, _ client.Registering) (wire.Registered, error) {
	r.spec = spec
	return wire.Registered{}, nil
}

// Cancel cancels the run with a reason and returns without waiting for its end. A run
// that is over is ignored.
func (r *Run) Cancel(reason bgtask.CancellationReason) {
	r.t.Helper()
	if err := r.desk.send(wire.CancelRun{Instance: r.desk.activation.Instance, Reason: reason}); err != nil && !r.Over() {
		r.t.Fatalf("bgtasktest: cancel: %v", err)
	}
}

// Wait waits until Run has returned and its deferrals are complete. It returns the
// error that Run returned. If Run returned nil but a deferral failed, or if it
// panicked, the error is a *bgtask.RunError.
func (r *Run) Wait() error {
	r.t.Helper()
	r.await(func() bool { return r.desk.result != nil })
	r.desk.mu.Lock()
	defer r.desk.mu.Unlock()
	if r.desk.returned != nil || r.desk.result.Outcome == bgtask.Completed {
		return r.desk.returned
	}
	return bgtask.Run{Outcome: r.desk.result.Outcome, Reason: r.desk.result.Reason, Text: r.desk.result.Text}.Err()
}

// Outcome returns how the run ended, or bgtask.OutcomeNone while it is not over.
func (r *Run) Outcome() bgtask.Outcome {
	r.desk.mu.Lock()
	defer r.desk.mu.Unlock()
	if r.desk.result == nil {
		return bgtask.OutcomeNone
	}
	return r.desk.result.Outcome
}

// Over reports whether Run has returned and its deferrals are complete.
func (r *Run) Over() bool { return r.Outcome() != bgtask.OutcomeNone }

// WaitProgress waits until the progress is at least n. It fails the test if the run
// ends before that.
func (r *Run) WaitProgress(n uint32) {
	r.t.Helper()
	r.await(func() bool { return r.desk.instance.Progress() >= n || r.desk.result != nil })
	if got := r.Progress(); got < n {
		r.t.Fatalf("bgtasktest: the run was over at progress %d, before %d", got, n)
	}
}

// Progress returns the last value that the run set, or 0.
func (r *Run) Progress() uint32 { return r.Instance().Progress() }

// Checkpoint returns what the run saved last, or nil.
func (r *Run) Checkpoint() []byte {
	r.desk.mu.Lock()
	defer r.desk.mu.Unlock()
	return r.desk.checkpoint
}

// Instance returns the run as its task sees it.
func (r *Run) Instance() *bgtask.Instance {
	r.desk.mu.Lock()
	defer r.desk.mu.Unlock()
	return r.desk.instance
}

// await waits until done returns true. If that never happens, the time limit of go
// test ends the test, or the deadlock detection of synctest in a bubble.
func (r *Run) await(done func() bool) {
	for {
		r.desk.mu.Lock()
		ok, changed := done(), r.desk.changed
		r.desk.mu.Unlock()
		if ok {
			return
		}
		<-changed
	}
}

// desk is the broker's end of the run.
type desk struct {
	client.NoBroker
	activation task.Activation

	mu         sync.Mutex
	changed    chan struct{} // closed at the next change
	instance   *bgtask.Instance
	far        *client.Far
	returned   error
	result     *task.Result
	checkpoint []byte
}

// watched wraps the task to keep the error that Run returns; the broker gets only its
// text.
func (d *desk) watched(tested bgtask.Task) bgtask.Task {
	return bgtask.TaskFunc(func(ctx context.Context, instance *bgtask.Instance) error {
		d.change(func() { d.instance = instance })
		err := tested.Run(ctx, instance)
		d.change(func() { d.returned = err })
		return err
	})
}

func (d *desk) change(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *desk) send(f wire.BrokerFrame) error {
	d.mu.Lock()
	far := d.far
	d.mu.Unlock()
	return far.Send(f)
}

// Attach connects the host. There is only one.
func (d *desk) Attach(ctx context.Context, _ bool) (client.Stream, error) {
	near, far := client.Pipe(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.far != nil {
		return nil, errors.New("bgtasktest: attached twice")
	}
	d.far = far
	go d.serve(far) // ends with the stream
	return near, nil
}

// serve answers the host as a broker would, until its stream ends.
func (d *desk) serve(far *client.Far) {
	defer far.Close(bgtask.ErrUnavailable)
	for {
		frame, err := far.Recv()
		if err != nil {
			return
		}
		switch f := frame.(type) {
		case wire.Hello:
			err = errors.Join(far.Send(wire.Welcome{Package: d.activation.Package}), far.Send(wire.Activate{Activation: d.activation}))
		case wire.Progress:
			d.change(func() {})
		case wire.SaveCheckpoint:
			d.change(func() { d.checkpoint = f.Data })
			err = far.Send(wire.CheckpointSaved{Request: f.Request})
		case wire.Refused:
			d.change(func() { d.result = &task.Result{Outcome: task.ActivationFailed, Text: f.Text} })
		case wire.Finished:
			d.change(func() { d.result = &f.Result })
			err = far.Send(wire.Acknowledge{Instance: f.Instance})
		}
		if err != nil {
			return
		}
	}
}
