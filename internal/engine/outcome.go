// Outcomes and what follows from them: the table of SEMANTICS section 5. endRun gives a
// run its one outcome; applyOutcome then decides about the occurrence (it ends, or it
// is pending again) and about the counts that lead to back-off, suspension and
// settling. The counts are separate, since they mean different things: faults are
// crashes and failed activations and suspend a registration, tries are Retry and Lost
// and end an occurrence as GaveUp, losses are lost conditions and only delay the next
// start.

package engine

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// ending describes how a run ends.
type ending struct {
	outcome task.Outcome
	reason  task.CancellationReason
	text    string
	exit    string
	forced  bool
	stderr  string
	several bool // its process crashed with other runs in it, so it counts as a fault of none of them
	noClass bool // its class is not declared, or its package is gone
}

// triesKept is the number of latest attempts of an occurrence that are kept for why.
const triesKept = 5

// endRun gives a run its one outcome, and applies it to the occurrence. It must be
// called only when the run's code no longer runs.
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
	// The run is over: its timer, its slots and its key are free from here on.
	move(&u.State, RunEnded, runMoves, "run of "+r.Spec.Name)
	e.mark(u)
	e.awake.arm(&u.timer, 0)
	delete(e.runs, u.ID)
	e.freeSlots(u)
	e.freeKey(u)
	r.run = nil
	past := r.writeCold()
	past.LastRun = &ended
	past.Counts.Runs++
	past.Counts.ByOutcome[how.outcome]++
	r.since = UnixTimeOf(e.now.Wall)
	e.markLedger(r)
	e.emit(r, task.Event{Kind: task.EventEnded, Run: &ended})
	// History has the outcome before the end of the occurrence that follows from it.
	e.noteTry(o, ended)
	e.applyOutcome(r, o, u, how)
	if h := e.hosts[u.Host]; h != nil {
		h.drop(u)
		e.updateHealth(h)
	}
	// Others may have waited for this end: ready runs, an update, a removal.
	e.touch(r)
	e.ready.stale = true
	e.serviceWhenDone(r.pack)
	e.goneWhenDone(r)
}

// lostEnding is the ending of a run whose end was not seen. If it was canceled, it
// counts as Canceled.
func lostEnding(u *run, text string) ending {
	if u.canceled() {
		return ending{outcome: outcomeOfCancel(u), reason: u.Reason}
	}
	return ending{outcome: task.Lost, text: text}
}

// outcomeOfCancel returns the outcome of a canceled run: TimedOut if the run limit
// canceled it.
func outcomeOfCancel(u *run) task.Outcome {
	if u.TimedOut {
		return task.TimedOut
	}
	return task.Canceled
}

// tail returns the last n bytes of s, marked with dots if something was cut off.
func tail(s string, n int) string {
	if len(s) > n {
		return "..." + s[len(s)-n+3:]
	}
	return s
}

// noteTry keeps an attempt of the occurrence for why.
func (e *Engine) noteTry(o *occ, ended task.Run) {
	o.Tries = append(o.Tries, ended)
	if len(o.Tries) > triesKept {
		o.Tries = slices.Clone(o.Tries[1:])
	}
}

// applyOutcome is the table of outcomes: what happens to the occurrence and to the
// counts of the registration.
func (e *Engine) applyOutcome(r *reg, o *occ, u *run, how ending) {
	lost := false // whether it counts as a loss, after which conditions must settle
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
	// holdsSince starts again, so that conditions must hold for the whole settle time
	// from now on.
	if lost {
		r.Losses++
		r.holdsSince = -1
	} else {
		r.Losses = 0
	}
	e.unsubscribeIfIdle(r)
}

// final reports whether a cancel for this reason ends the occurrence, too.
func final(reason task.CancellationReason) bool {
	return reason == task.ReasonAbort || reason == task.ReasonIdleTask || reason == task.ReasonUninstall
}

// isLoss reports whether a run was canceled because something that it needs went away.
// For a MaintenanceTrigger, the loss of AC power is reported as Abort, which is final
// only if a user canceled.
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

// resetCounts clears the counts of a registration whose code ran to an end.
func (e *Engine) resetCounts(r *reg, outcome task.Outcome) {
	r.Faults, r.Tries, r.NotBefore = 0, 0, 0
	if outcome == task.Completed {
		r.Alone = false
	}
	if r.State == RegSuspended && outcome != task.TimedOut {
		e.unsuspend(r, "its probe run ended normally")
	}
}

// endLive ends the occurrence of the run that has just ended.
func (e *Engine) endLive(r *reg, o *occ, end task.End) {
	r.live = nil
	e.endOcc(r, o, end)
}

// tryAgain handles Retry and Lost: the occurrence is pending again after a back-off, or
// ends as GaveUp after too many in a row.
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

// fault handles a process that crashed or never came up. Too many faults in a row
// suspend the registration; its occurrence stays pending.
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

// suspend keeps the registration from starting, except for one probe in
// task.ProbeEvery. Firings are still accepted and joined.
func (e *Engine) suspend(r *reg, cause SuspendCause, text string) {
	if r.State == RegSuspended {
		r.NotBefore = 0
		return // a probe failed: it stays suspended
	}
	e.setState(r, RegSuspended)
	r.NotBefore = 0
	why := r.writeCold()
	why.Cause, why.Text, why.Since = cause, text, e.now.Wall
	why.Probe = e.clock.elapsed + task.ProbeEvery
	r.pack.suspended[r] = struct{}{}
	e.emit(r, task.Event{Kind: task.EventChanged, Text: "suspended: " + text})
	e.touch(r)
}

// unsuspend ends a suspension, whatever its cause, and clears the count of faults.
func (e *Engine) unsuspend(r *reg, why string) {
	if r.State != RegSuspended {
		return
	}
	e.setState(r, RegActive)
	r.Faults, r.NotBefore = 0, 0
	was := r.writeCold()
	was.Cause, was.Text, was.Probe = SuspendedByNothing, "", 0
	delete(r.pack.suspended, r)
	e.emit(r, task.Event{Kind: task.EventChanged, Text: "resumed: " + why})
	e.touch(r)
}

// resumeRequest handles bgtask resume: it ends a suspension or a back-off.
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

// backOff delays the next attempt after the n-th failure: First x 4^(n-1), at most
// Limit, less a jitter of up to a fifth.
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

// jitter returns a number from 0 to 1 that depends only on the task, the occurrence and
// the attempt, so that a restored engine computes the same delays.
func jitter(id task.GUID, number uint64, attempt int) float64 {
	h := fnv.New64a()
	h.Write(id[:])
	_, _ = fmt.Fprintf(h, "/%d/%d", number, attempt) // a hash takes everything
	return float64(h.Sum64()>>11) / (1 << 53)
}
