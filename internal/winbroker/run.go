// A run on Windows: from the call of IBackgroundTask.Run until Windows has accepted its
// end. The outcome is kept in the records only, because Windows would take an error
// from Run for a failed activation and repeat it without end.

package winbroker

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/internal/winrt"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// liveRun is a run in this process, from its activation until its end was reported to
// Windows.
type liveRun struct {
	id      winrt.Activated
	records *records
	release func() // releases the mark that shows other processes that it is alive

	mu       sync.Mutex
	kept     run
	accepted bool                     // the handler has entered it
	reason   *task.CancellationReason // of a cancel that came before that
	progress uint32
	over     bool

	changed chan struct{} // signals new progress
	done    chan struct{} // closed when the run is over
}

func (r *liveRun) isOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over
}

// run is IBackgroundTask.Run, called on a COM thread. It returns when the task is over,
// so that Windows notices immediately when the process dies. The task's result is only
// in the records: Windows would take an error here for a failed activation and repeat
// it without end.
func (h *Host) run(class task.GUID, a activation) error {
	defer a.Close()
	r, err := h.begin(a)
	if err != nil {
		return refused(err)
	}
	defer h.forget(r)
	remove, err := a.Canceled(func(reason task.CancellationReason) { h.cancel(r, reason) })
	if err != nil {
		return h.abandon(r, err)
	}
	complete, err := a.Defer()
	if err != nil {
		return errors.Join(h.abandon(r, err), remove())
	}
	if err := h.enter(class, r); err != nil {
		return errors.Join(h.abandon(r, refused(err)), remove(), complete())
	}
	h.accompany(a, r)
	if err := errors.Join(remove(), complete()); err != nil {
		h.logger.Debug("bgtask: reporting the end of a run", "instance", r.id.Instance, "error", err)
	}
	return nil
}

// begin reads the instance and records that the run has begun.
func (h *Host) begin(a activation) (*liveRun, error) {
	opened, err := h.broker.open("activate")
	if err != nil {
		return nil, err
	}
	id, err := a.Read()
	if err != nil {
		return nil, err
	}
	release, err := h.broker.system.Mark(id.Instance)
	if err != nil {
		return nil, err
	}
	now := time.Now().Round(0)
	begun, err := opened.records.begin(id.TaskID, run{Instance: id.Instance, PID: os.Getpid(), Launched: h.launched, Started: now})
	if err != nil {
		release()
		return nil, unwritable("activate", opened.records.dir(id.TaskID), err)
	}
	r := &liveRun{id: id, records: opened.records, release: release, kept: begun, changed: make(chan struct{}, 1), done: make(chan struct{})}
	h.mu.Lock()
	h.runs[id.Instance] = r
	h.active, h.came = now, true
	h.mu.Unlock()
	return r, nil
}

func (h *Host) forget(r *liveRun) {
	r.release()
	h.mu.Lock()
	delete(h.runs, r.id.Instance)
	h.active = time.Now()
	h.mu.Unlock()
	h.note()
}

// abandon records that Run was not entered.
func (h *Host) abandon(r *liveRun, err error) error {
	h.end(r, task.Result{Outcome: task.ActivationFailed, Text: wire.Clip(err.Error())})
	return err
}

// refused returns the COM error for an activation that is refused.
func refused(err error) error {
	switch {
	case errors.Is(err, task.ErrUnavailable):
		return com.ServerStopping
	case errors.Is(err, task.ErrClassNotDeclared):
		return com.ClassNotAvailable
	}
	return err
}

// enter makes the handler enter Run. A cancel that came meanwhile follows.
func (h *Host) enter(class task.GUID, r *liveRun) error {
	h.calls.Lock()
	defer h.calls.Unlock()
	if err := h.handler.Activate(h.activation(class, r)); err != nil {
		return err
	}
	r.mu.Lock()
	r.accepted = true
	early := r.reason
	r.mu.Unlock()
	if early != nil {
		h.handler.Cancel(r.id.Instance, *early)
	}
	return nil
}

func (h *Host) activation(class task.GUID, r *liveRun) task.Activation {
	a := task.Activation{
		Instance: r.id.Instance, TaskID: r.id.TaskID, CLSID: class, Spec: task.Spec{Name: r.id.Name, EntryPoint: class},
		Occurrence: r.kept.occurrence(), Attempt: 1, Details: r.id.Details, Checkpoint: r.records.checkpoint(r.id.TaskID),
	}
	if kept, ok := r.records.registration(r.id.TaskID); ok {
		a.Spec, a.Registered = kept.Spec, kept.Registered
	}
	if opened, err := h.broker.open("activate"); err == nil {
		a.Package, a.Folder = opened.family, opened.folder
	}
	return a
}

// cancel asks a run to stop.
func (h *Host) cancel(r *liveRun, reason task.CancellationReason) {
	r.mu.Lock()
	accepted := r.accepted
	if !accepted && r.reason == nil {
		r.reason = &reason
	}
	r.mu.Unlock()
	if accepted {
		h.calls.Lock()
		defer h.calls.Unlock()
		h.handler.Cancel(r.id.Instance, reason)
	}
}

const progressEvery = time.Second / task.MaxProgressRate

// accompany reports the run's progress until it is over, and always the last value. A
// broker that is gone can no longer cancel and takes no progress, so the run is asked
// to stop.
func (h *Host) accompany(a activation, r *liveRun) {
	lost := false
	ask := time.NewTicker(askEvery)
	defer ask.Stop()
	var sent uint32
	check := func(err error) {
		if com.Lost(err) && !lost {
			lost = true
			h.logger.Warn("bgtask: the connection to the broker of Windows is lost; the run is asked to stop", "task", r.id.Name, "instance", r.id.Instance, "error", err)
			h.cancel(r, task.ReasonTerminating)
		}
	}
	progress := func() {
		if value := r.currentProgress(); value != sent && !lost {
			sent = value
			check(a.Progress(value))
		}
	}
	for {
		select {
		case <-r.done:
			progress()
			return
		case <-r.changed:
			progress()
			r.pause(progressEvery)
		case <-ask.C:
			if !lost {
				check(a.Ask())
			}
		}
	}
}

func (r *liveRun) currentProgress() uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.progress
}

// pause waits for d, or until the run is over.
func (r *liveRun) pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.done:
	}
}

// Progress reports a run's progress: at most 10 updates a second, and always the last
// one.
func (h *Host) Progress(instance task.GUID, value uint32) {
	r := h.find(instance)
	if r == nil {
		return
	}
	r.mu.Lock()
	r.progress = value
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// SaveCheckpoint saves data for the next run of the task.
func (h *Host) SaveCheckpoint(_ context.Context, instance task.GUID, data []byte) error {
	r := h.find(instance)
	if r == nil {
		return &task.Error{Op: "save checkpoint", Err: task.ErrInvalid, Detail: errGone.Error()}
	}
	if err := r.records.saveCheckpoint(r.id.TaskID, task.Checkpoint{Data: data, Number: r.kept.Number}); err != nil {
		return unwritable("save checkpoint", r.id.Name, err)
	}
	return nil
}

// Finish records how a run ended and reports its end to Windows.
func (h *Host) Finish(instance task.GUID, result task.Result) {
	if r := h.find(instance); r != nil {
		h.end(r, result)
	}
}

func (h *Host) end(r *liveRun, result task.Result) {
	r.mu.Lock()
	if r.over {
		r.mu.Unlock()
		return
	}
	r.over = true
	over := r.kept
	over.Ended, over.Progress, over.Outcome, over.Text = time.Now().Round(0), r.progress, result.Outcome.String(), wire.Clip(result.Text)
	if result.Outcome == task.Canceled {
		over.Reason = result.Reason.String()
	}
	r.mu.Unlock()
	err := r.records.end(r.id.TaskID, over)
	if !keepsCheckpoint(result.Outcome) {
		err = errors.Join(err, r.records.dropCheckpoint(r.id.TaskID))
	}
	if err != nil {
		h.logger.Error("bgtask: the outcome of a run could not be stored", "task", r.id.Name, "instance", r.id.Instance, "error", err)
	}
	close(r.done)
	h.note()
}
