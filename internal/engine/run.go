// A run: one attempt at an occurrence, from admission to its one outcome (SEMANTICS
// sections 4 and 5). It is Starting until an object of its class is found, Sent until
// the host answers, Running until Run returns. Every state that waits for a process has
// a deadline on the awake clock. A run that does not answer has no outcome yet, since
// its code may be running for all that is known: a launched process is ended, an
// application that the user started becomes Unresponsive.

package engine

import (
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// run is one attempt at an occurrence that has not ended.
type run struct {
	Run
	isDirty    bool
	reg        *reg
	occ        *occ
	counts     bool // it holds a slot of its package and of all
	kill       bool // after its grace its process is ended, even if the user started it
	progress   uint32
	changed    time.Time     // when progress last changed
	notified   uint32        // progress that watchers have seen
	notifiedAt time.Duration // awake
	timer      timer
}

func (u *run) dirtyBit() *bool { return &u.isDirty }
func (u *run) write() Write {
	if u.State == RunEnded {
		return Delete{Run{ID: u.ID}}
	}
	return Put{u.Run}
}

// key is the run's exclusive key, in its package.
func (u *run) key() exclusive { return exclusive{u.reg.pack.Family, u.Key} }

// canceled reports whether the run was asked to stop.
func (u *run) canceled() bool { return u.State == RunCanceling || u.CancelAt > 0 }

// view returns the run as users see it.
func (u *run) view(e *Engine) task.Run {
	v := task.Run{ID: u.ID, TaskID: u.TaskID, Name: u.reg.Spec.Name, Package: u.reg.pack.Family, Occurrence: u.occ.view(), Attempt: u.Attempt,
		PID: u.Host.PID, Launch: u.Token, Started: u.Started, Entered: u.Entered, Progress: u.progress, ProgressAt: u.changed}
	switch {
	case !u.Token.IsZero():
		v.Host = "launched"
		if l := e.launches[u.Token]; l != nil && v.PID == 0 {
			v.PID = l.Process.PID
		}
	case !u.Host.IsZero():
		v.Host = "the application"
	}
	if u.canceled() {
		v.Reason = u.Reason
	}
	return v
}

// limitOf returns the run limit of the registration, or else that of the policy.
func (e *Engine) limitOf(r *reg) time.Duration {
	if r.Spec.RunLimit > 0 {
		return r.Spec.RunLimit
	}
	return e.cfg.Policy.RunLimit
}

// known returns the run of an instance if it belongs to the host h, else nil. Late
// messages about ended runs find nothing.
func (e *Engine) known(h HostID, instance task.GUID) *run {
	if u := e.runs[instance]; u != nil && u.Host == h {
		return u
	}
	return nil
}

// accepted handles a host that has entered Run, for the first time or after it did not
// respond.
func (e *Engine) accepted(ev Accepted) {
	u := e.known(ev.Host, ev.Instance)
	switch {
	case u == nil:
	case u.State == RunSent:
		e.entered(u)
	case u.State == RunUnresponsive && !u.canceled():
		e.backToRunning(u)
	case u.State == RunUnresponsive && u.Entered.IsZero():
		e.backToCanceling(u)
		e.updateHealth(e.hosts[u.Host])
	}
}

// entered moves a Sent run to Running. The run limit counts from now.
func (e *Engine) entered(u *run) {
	move(&u.State, RunRunning, runMoves, "run of "+u.reg.Spec.Name)
	u.Entered, u.EnteredAt = e.now.Wall, e.now.Awake
	if h := e.hosts[u.Host]; h == nil || h.state != HostEnding { // an answer no longer helps when the process is being ended
		u.Failing = ""
	}
	e.mark(u)
	e.armRun(u)
	view := u.view(e)
	e.emit(u.reg, task.Event{Kind: task.EventRunning, Run: &view})
	u.reg.since = UnixTimeOf(e.now.Wall)
	e.touch(u.reg)
}

// backToRunning continues a run whose host responds again.
func (e *Engine) backToRunning(u *run) {
	e.leaveUnresponsive(u, RunRunning)
	e.updateHealth(e.hosts[u.Host])
}

// backToCanceling gives a canceled run whose host responds again a new grace period.
func (e *Engine) backToCanceling(u *run) {
	if u.State == RunUnresponsive {
		u.CancelAt = e.now.Awake + e.cfg.Policy.CancelGrace
		e.leaveUnresponsive(u, RunCanceling)
	}
}

// leaveUnresponsive moves an unresponsive run whose host responds again.
func (e *Engine) leaveUnresponsive(u *run, to RunState) {
	if u.Entered.IsZero() {
		u.Entered, u.EnteredAt = e.now.Wall, e.now.Awake
	}
	move(&u.State, to, runMoves, "run of "+u.reg.Spec.Name)
	u.Failing, u.UnresponsiveSince = "", timeZero
	u.reg.since = UnixTimeOf(e.now.Wall)
	e.retakeSlots(u)
	e.mark(u)
	e.armRun(u)
	e.touch(u.reg)
}

// retakeSlots takes the slots of a run that responds again. There may be one run too
// many for a while; nothing starts until the number is below the limit again.
func (e *Engine) retakeSlots(u *run) {
	if !u.counts {
		u.counts = true
		e.slots.live++
		u.reg.pack.live++
	}
}

// refused handles a host that did not enter Run. Its object is withdrawn, and the run
// is placed elsewhere.
func (e *Engine) refused(ev Refused) {
	u := e.known(ev.Host, ev.Instance)
	if u == nil || !u.Entered.IsZero() {
		return
	}
	h := e.hosts[ev.Host]
	h.objects = slices.DeleteFunc(h.objects, func(o Object) bool { return o.CLSID == u.reg.Spec.EntryPoint })
	switch {
	case u.canceled():
		e.endRun(u, ending{outcome: task.Canceled, reason: u.Reason})
	case u.State == RunUnresponsive:
		e.endRun(u, ending{outcome: task.ActivationFailed, text: u.Failing})
	default:
		e.placeElsewhere(u, h, ev.Text)
	}
}

// placeElsewhere places a run that a host refused. If the host is a launched class
// server and no other object exists, the run fails: another launch would only refuse
// again.
func (e *Engine) placeElsewhere(u *run, refuser *host, text string) {
	other, _ := e.findObject(u.reg.pack.Family, u.reg.Spec.EntryPoint)
	if other == nil && !refuser.token.IsZero() {
		e.endRun(u, ending{outcome: task.ActivationFailed, text: "its class server refused the activation: " + text})
		return
	}
	refuser.drop(u)
	move(&u.State, RunStarting, runMoves, "run of "+u.reg.Spec.Name)
	u.Host, u.Token = HostID{}, task.LaunchToken{}
	e.mark(u)
	e.placeOrWait(u, "the application refused the activation: "+text)
}

// drop removes a run from its host.
func (h *host) drop(u *run) {
	h.runs = slices.DeleteFunc(h.runs, func(x *run) bool { return x == u })
}

// progressed keeps the latest progress. Watchers get at most task.MaxProgressRate
// updates a second.
func (e *Engine) progressed(ev Progressed) {
	u := e.known(ev.Host, ev.Instance)
	if u == nil || u.State == RunStarting {
		return
	}
	u.progress, u.changed = ev.Value, e.now.Wall
	e.armRun(u)
	if e.now.Awake >= u.notifiedAt+time.Second/task.MaxProgressRate {
		e.notifyProgress(u)
	}
}

// notifyProgress sends the current progress to watchers.
func (e *Engine) notifyProgress(u *run) {
	u.notified, u.notifiedAt = u.progress, e.now.Awake
	view := u.view(e)
	e.notify(u.reg, task.Event{Kind: task.EventProgress, Run: &view})
}

// saveCheckpoint keeps data for the next attempt of the occurrence.
func (e *Engine) saveCheckpoint(ev SaveCheckpoint) Answer {
	u := e.known(ev.Host, ev.Instance)
	switch {
	case u == nil:
		return refuse(task.ErrNotRegistered, ev.Instance.String(), "the run is over", "")
	case len(ev.Data) > task.MaxPayload:
		return refuse(task.ErrLimit, u.reg.Spec.Name, "a checkpoint may have at most 64 KiB", "save a path instead")
	}
	u.occ.Saved = &Checkpoint{Data: ev.Data, Number: u.Number, Version: u.reg.pack.Version}
	e.mark(u.occ)
	return Answer{TaskID: u.TaskID}
}

// finished ends a run whose Run has returned and whose deferrals are complete. A
// repeated outcome is acknowledged and changes nothing.
func (e *Engine) finished(ev Finished) {
	e.do(Acknowledge{ev.Host, ev.Instance})
	if h := e.hosts[ev.Host]; h != nil {
		e.strayOver(h, ev.Instance)
	}
	u := e.known(ev.Host, ev.Instance)
	if u == nil || u.State == RunStarting {
		return
	}
	// A result without Accepted: the answer was lost, or Run was faster than it.
	if u.State == RunSent {
		e.entered(u)
	}
	e.endRun(u, e.endingOfResult(u, ev.Result))
}

// endingOfResult says how a result ends a run. After a cancel, nil counts as Completed,
// because the work was done; anything else is Canceled. A command is Canceled whatever
// its exit status, since it cannot say that it finished its work in time.
func (e *Engine) endingOfResult(u *run, res Result) ending {
	how := ending{outcome: res.Outcome, reason: res.Reason, text: res.Text, exit: res.Exit}
	switch {
	case u.canceled() && (res.Outcome != task.Completed || e.isCommand(u.reg)):
		how.outcome, how.reason = task.Canceled, u.Reason
		if u.TimedOut {
			how.outcome = task.TimedOut
		}
	case res.Outcome == task.Canceled:
		how.outcome, how.reason = task.Canceled, task.ReasonTerminating
	case !hostMayReport(res.Outcome):
		how.outcome = task.Failed
	}
	return how
}

func hostMayReport(o task.Outcome) bool {
	row, _ := o.Row()
	return row.ByHost
}

// armRun sets the run's timer to its next deadline.
func (e *Engine) armRun(u *run) {
	var at time.Duration
	switch u.State {
	case RunStarting:
		at = u.StartedAt + e.cfg.Policy.StartTimeout
		if l := e.launches[u.Token]; l != nil {
			at = max(at, l.At+e.cfg.Policy.StartTimeout)
		}
	case RunSent:
		at = u.SentAt + task.AnswerTimeout
	case RunRunning:
		if u.Limit > 0 {
			at = u.EnteredAt + u.Limit
		}
	case RunCanceling:
		at = u.CancelAt
	}
	if u.progress != u.notified {
		at = earlier(at, u.notifiedAt+time.Second/task.MaxProgressRate)
	}
	e.awake.arm(&u.timer, at)
}

// due is called when a deadline of the run has come.
func (u *run) due(e *Engine) {
	now := e.now.Awake
	if u.progress != u.notified && now >= u.notifiedAt+time.Second/task.MaxProgressRate {
		e.notifyProgress(u)
	}
	switch {
	case u.State == RunStarting && now >= u.StartedAt+e.cfg.Policy.StartTimeout:
		e.startTimedOut(u)
		return
	case u.State == RunSent && now >= u.SentAt+task.AnswerTimeout:
		e.notAnswered(u)
		return
	case u.State == RunRunning && u.Limit > 0 && now >= u.EnteredAt+u.Limit:
		u.TimedOut = true
		e.cancel(u, task.ReasonExecutionTimeExceeded, false)
		return
	case u.State == RunCanceling && now >= u.CancelAt:
		e.graceOver(u)
		return
	}
	e.armRun(u)
}

// startTimedOut fails a run whose class server is up but does not show the class. While
// the server is still launching, the deadline of the launch decides.
func (e *Engine) startTimedOut(u *run) {
	if l := e.launches[u.Token]; l != nil && l.State == ServerLaunching && e.now.Awake < l.At+e.cfg.Policy.StartTimeout {
		e.armRun(u)
		return
	}
	e.endRun(u, ending{outcome: task.ActivationFailed, text: "class not registered within " + e.cfg.Policy.StartTimeout.String()})
}

// notAnswered handles an activation that the host did not answer in time. The code may
// be running, so the run has no outcome before its process is gone.
func (e *Engine) notAnswered(u *run) {
	h := e.hosts[u.Host]
	if h == nil || h.state == HostDetached {
		return // the end of the detachment decides
	}
	u.Failing = "the activation was not answered within " + task.AnswerTimeout.String()
	e.mark(u)
	if h.token.IsZero() {
		e.unresponsive(u)
		return
	}
	e.endHost(h)
}
