package engine

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// ending is how a run ends.
type ending struct {
	outcome task.Outcome
	reason  task.CancellationReason
	text    string
	exit    string
	forced  bool
	stderr  string
	several bool // its process crashed with other runs in it: nobody's fault
	noClass bool // class not declared, or its package is gone
}

// triesKept is how many of the latest attempts of an occurrence are kept for why.
const triesKept = 5

// endRun gives a run its one outcome, and its occurrence what follows from it. It
// is called only when the run's code no longer runs.
func (e *Engine) endRun(u *run, how ending) {
	r, o := u.reg, u.occ
	if u.progress != u.notified {
		e.notifyProgress(u)
	}
	ended := u.view(e)
	ended.Ended, ended.Outcome, ended.Reason, ended.Forced = e.now.Wall, how.outcome, how.reason, how.forced
	if !u.Entered.IsZero() {
		ended.Awake = e.now.Awake - u.EnteredAt
	}
	ended.Exit, ended.Text, ended.Stderr = how.exit, tail(how.text, task.MaxErrorText), tail(how.stderr, task.MaxStderrTail)
	move(&u.State, RunEnded, runMoves, "run of "+r.Spec.Name)
	e.mark(u)
	e.awake.arm(&u.timer, 0)
	delete(e.runs, u.ID)
	e.freeSlots(u)
	e.freeKey(u)
	r.run = nil
	past := r.own()
	past.LastRun = &ended
	past.Counts.Runs++
	past.Counts.ByOutcome[how.outcome]++
	r.since = e.now.Wall
	e.markLedger(r)
	e.emit(r, task.Event{Kind: task.EventEnded, Run: &ended})
	e.noteTry(o, ended)
	e.applyOutcome(r, o, u, how)
	if h := e.hosts[u.Host]; h != nil {
		h.drop(u)
		e.updateHealth(h)
	}
	e.touch(r)
	e.ready.stale = true
	e.serviceWhenDone(r.pack)
	e.goneWhenDone(r)
}

// lostEnding is the ending of a run that nobody saw end: after a cancel it is Canceled all
// the same.
func lostEnding(u *run, text string) ending {
	if u.canceled() {
		return ending{outcome: outcomeOfCancel(u), reason: u.Reason}
	}
	return ending{outcome: task.Lost, text: text}
}

func outcomeOfCancel(u *run) task.Outcome {
	if u.TimedOut {
		return task.TimedOut
	}
	return task.Canceled
}

func tail(s string, n int) string {
	if len(s) > n {
		return "..." + s[len(s)-n+3:]
	}
	return s
}

func (e *Engine) noteTry(o *occ, ended task.Run) {
	o.Tries = append(o.Tries, ended)
	if len(o.Tries) > triesKept {
		o.Tries = slices.Clone(o.Tries[1:])
	}
}

// follow is the table of outcomes: what becomes of the occurrence and of the
// counts of the registration.
func (e *Engine) applyOutcome(r *reg, o *occ, u *run, how ending) {
	lost := false // a loss: settle
	switch how.outcome {
	case task.Completed, task.Failed, task.TimedOut:
		e.resetCounts(r, how.outcome)
		end := task.EndDone
		if how.outcome != task.Completed {
			end = task.EndFailed
		}
		e.endLive(r, o, end)
	case task.RetryAsked:
		r.Faults = 0
		e.tryAgain(r, o)
	case task.Lost:
		e.tryAgain(r, o)
	case task.Canceled:
		switch lost = e.isLoss(r, u, how.reason); {
		case u.Final || final(how.reason) && !lost:
			e.endLive(r, o, task.EndCanceled)
		default:
			e.relatch(r, o)
		}
	case task.Crashed, task.ActivationFailed:
		e.fault(r, o, how)
	}
	if lost {
		r.Losses++
		r.holdsSince = -1
	} else {
		r.Losses = 0
	}
	e.unsubscribeIfIdle(r)
}

func final(reason task.CancellationReason) bool {
	return reason == task.ReasonAbort || reason == task.ReasonIdleTask || reason == task.ReasonUninstall
}

// isLoss: cancelled because something it needs went away. A MaintenanceTrigger's
// lost AC is told as Abort, which only a user's cancel makes final.
func (e *Engine) isLoss(r *reg, u *run, reason task.CancellationReason) bool {
	switch reason {
	case task.ReasonConditionLoss, task.ReasonResourceRevocation, task.ReasonEnergySaver:
		return !u.Final
	case task.ReasonAbort:
		_, maintenance := r.Spec.Trigger.(task.MaintenanceTrigger)
		return maintenance && !u.Final
	}
	return false
}

// runCounted: the run's code ran to an end, so all counts start anew.
func (e *Engine) resetCounts(r *reg, outcome task.Outcome) {
	r.Faults, r.Tries, r.NotBefore = 0, 0, 0
	if outcome == task.Completed {
		r.Alone = false
	}
	if r.State == RegSuspended && outcome != task.TimedOut {
		e.unsuspend(r, "its probe run ended in order")
	}
}

// endLive ends the occurrence of the run that has just ended.
func (e *Engine) endLive(r *reg, o *occ, end task.End) {
	r.live = nil
	e.endOcc(r, o, end)
}

// tryAgain: Retry and Lost. Too many in a row end the occurrence.
func (e *Engine) tryAgain(r *reg, o *occ) {
	r.Tries++
	if int(r.Tries) >= r.Spec.Retry.WithDefaults().Attempts {
		r.Tries, r.NotBefore = 0, 0
		e.endLive(r, o, task.EndGaveUp)
		return
	}
	e.backOff(r, o, int(r.Tries))
	e.relatch(r, o)
}

// fault: its process crashed, or never came up. Too many in a row suspend the
// registration; its occurrence stays pending.
func (e *Engine) fault(r *reg, o *occ, how ending) {
	if how.several {
		r.Alone = true
		e.relatch(r, o)
		return
	}
	r.Faults++
	e.backOff(r, o, int(r.Faults))
	e.relatch(r, o)
	if r.State == RegRemoving {
		return
	}
	switch {
	case how.noClass:
		e.suspend(r, SuspendedByNoClass, how.text)
	case r.Faults >= task.FaultsToSuspend && how.outcome == task.ActivationFailed:
		e.suspend(r, SuspendedByActivation, fmt.Sprintf("%d failed starts", r.Faults))
	case r.Faults >= task.FaultsToSuspend:
		e.suspend(r, SuspendedByFaults, fmt.Sprintf("%d crashes", r.Faults))
	}
}

func (e *Engine) suspend(r *reg, cause SuspendCause, text string) {
	if r.State == RegSuspended {
		r.NotBefore = 0
		return // a probe that failed: suspended as before
	}
	e.setState(r, RegSuspended)
	r.NotBefore = 0
	why := r.own()
	why.Cause, why.Text, why.Since = cause, text, e.now.Wall
	why.Probe = e.clock.elapsed + task.ProbeEvery
	r.pack.suspended[r] = struct{}{}
	e.emit(r, task.Event{Kind: task.EventChanged, Text: "suspended: " + text})
	e.touch(r)
}

// unsuspend sets the fault count to 0, whatever ends the suspension.
func (e *Engine) unsuspend(r *reg, why string) {
	if r.State != RegSuspended {
		return
	}
	e.setState(r, RegActive)
	r.Faults, r.NotBefore = 0, 0
	was := r.own()
	was.Cause, was.Text, was.Probe = SuspendedByNothing, "", 0
	delete(r.pack.suspended, r)
	e.emit(r, task.Event{Kind: task.EventChanged, Text: "resumed: " + why})
	e.touch(r)
}

func (e *Engine) resumeRequest(ev Resume) Answer {
	r, a, ok := e.find(ev.Caller, ev.TaskID)
	if !ok {
		return a
	}
	switch {
	case r.State == RegSuspended:
		e.unsuspend(r, "by the user")
	case e.clock.elapsed < r.NotBefore:
		r.NotBefore = 0
		e.markLedger(r)
		e.touch(r)
		e.emit(r, task.Event{Kind: task.EventChanged, Text: "back-off ended by the user"})
	default:
		return refuse(task.ErrInvalid, r.Spec.Name, "it is neither suspended nor backing off", "bgtask why "+r.Spec.Name)
	}
	return Answer{TaskID: ev.TaskID}
}

// backOff delays the n-th further attempt: First x 4^(n-1), at most Limit, less a
// jitter of up to a fifth, the same for the same attempt.
func (e *Engine) backOff(r *reg, o *occ, n int) {
	policy := r.Spec.Retry.WithDefaults()
	d := policy.First
	for i := 1; i < n && d < policy.Limit; i++ {
		d *= task.BackoffFactor
	}
	d = min(d, policy.Limit)
	d -= time.Duration(jitter(r.id(), o.Number, n) * 0.2 * float64(d))
	r.NotBefore = e.clock.elapsed + d
	e.markLedger(r)
}

// jitter is a number from 0 to 1 that is the same for the same task, occurrence
// and attempt.
func jitter(id task.GUID, number uint64, attempt int) float64 {
	h := fnv.New64a()
	h.Write(id[:])
	fmt.Fprintf(h, "/%d/%d", number, attempt)
	return float64(h.Sum64()>>11) / (1 << 53)
}
