// The state of a registration as users see it (SEMANTICS section 8): its phase, since
// when, and the reasons. It is derived from the machines each time it is shown and
// never stored, so it cannot disagree with them.

package engine

import (
	"fmt"
	"time"

	"github.com/bgtask/bgtask/task"
)

// appearance is what watchers want to hear about when it changes. It is small and
// comparable, because it is kept for each registration.
type appearance struct {
	known   bool
	phase   task.Phase
	reason  task.ReasonKind
	cond    uint8 // as reason.nth
	reasons uint8
	waiting uint32
	next    time.Duration
}

// appearanceOf returns the current appearance of r.
func (e *Engine) appearanceOf(r *reg) appearance {
	a := appearance{known: true, phase: e.phase(r), next: r.Next}
	if !r.NextWall.IsZero() {
		a.next = wallTime(r.NextWall)
	}
	a.waiting = uint32(r.waiting())
	if len(r.pending) > 0 {
		if why := e.ownReasons(r, r.pending[0]); len(why) > 0 {
			a.reason, a.cond, a.reasons = why[0].kind, why[0].nth, uint8(len(why))
		}
	}
	return a
}

// waiting returns the number of firings in all pending occurrences.
func (r *reg) waiting() (n int) {
	for _, o := range r.pending {
		n += o.Count
	}
	return n
}

// phase returns the phase of r. A live run counts more than a suspension, and a pending
// occurrence more than Spent.
func (e *Engine) phase(r *reg) task.Phase {
	switch {
	case r.State == RegRemoving:
		return task.Removing
	case r.run != nil:
		return runPhase(r.run.State)
	case r.State == RegSuspended:
		return task.Suspended
	case len(r.pending) > 0:
		if why := e.ownReasons(r, r.pending[0]); len(why) > 0 && why[0].kind == task.WaitBackoff {
			return task.BackingOff
		}
		return task.Held
	case r.State == RegSpent:
		return task.Spent
	}
	return task.Waiting
}

func runPhase(s RunState) task.Phase {
	switch s {
	case RunRunning:
		return task.Running
	case RunCanceling:
		return task.Canceling
	case RunUnresponsive:
		return task.Unresponsive
	}
	return task.Starting
}

// state returns what a registration is doing now.
func (e *Engine) state(r *reg) task.State {
	s := task.State{Phase: e.phase(r), Now: e.now.Wall, Text: r.Text, Attempts: r.Spec.Retry.WithDefaults().Attempts}
	s.Since = e.sinceWhen(r, s.Phase)
	s.Waiting = r.waiting()
	if len(r.pending) > 0 {
		s.Reasons = e.reasons(r, r.pending[0])
		s.Attempt = max(int(r.Tries), int(r.Faults)) + 1
	}
	if r.run != nil {
		v := r.run.view(e)
		s.Run = &v
		if r.run.State == RunStarting {
			s.Reasons = append(s.Reasons, task.Reason{Kind: task.WaitLaunching, Detail: e.launchDetail(r.run)})
		}
	}
	if r.Cause == SuspendedByFaults || r.Cause == SuspendedByActivation {
		s.Faults, s.Fault = int(r.Faults), task.Crashed
		if r.Cause == SuspendedByActivation {
			s.Fault = task.ActivationFailed
		}
	}
	s.Next = e.nextTime(r, s.Phase)
	s.NextKnown = !s.Next.IsZero()
	switch s.Phase {
	case task.Waiting:
		s.Text = task.WaitsFor(r.Spec.Trigger)
	case task.Unresponsive:
		s.Text = unresponsiveText(r.run)
	}
	return s
}

// unresponsiveText says why a run is called unresponsive.
func unresponsiveText(u *run) string {
	switch {
	case u.canceled():
		return "it was asked to stop (" + u.Reason.String() + ") and has not"
	case u.Failing != "":
		return u.Failing
	}
	return "its connection was lost and has not been restored"
}

// sinceWhen returns when the phase began.
func (e *Engine) sinceWhen(r *reg, p task.Phase) time.Time {
	switch {
	case p == task.Suspended:
		return r.Since
	case p == task.Held:
		return r.pending[0].Observed
	case p == task.Starting:
		return r.run.Started
	case p == task.Running && !r.run.Entered.IsZero():
		return r.run.Entered
	case p == task.Unresponsive:
		return r.run.UnresponsiveSince
	}
	return e.shown(r.since)
}

// nextTime returns when something happens to r merely because time passes, or zero if
// that is unknown.
func (e *Engine) nextTime(r *reg, p task.Phase) time.Time {
	switch {
	case p == task.Suspended || p == task.Spent || p == task.Removing || p == task.Held:
		return timeZero
	case p == task.BackingOff:
		return e.wallAt(r.NotBefore)
	case !e.armed(r):
		return timeZero
	case r.Next > 0:
		return e.wallAt(r.Next)
	}
	return r.NextWall
}

// reasons returns everything that an occurrence waits for, in the order of the
// contract.
func (e *Engine) reasons(r *reg, o *occ) []task.Reason {
	own := e.ownReasons(r, o)
	all := own
	if len(own) == 0 || own[len(own)-1].kind != task.WaitLiveRun {
		if o != r.pending[0] {
			all = append(all, reason{kind: task.WaitQueue})
		}
		all = append(all, e.sharedReasons(r)...)
	}
	shown := make([]task.Reason, 0, len(all))
	for _, w := range all {
		t := task.Reason{Kind: w.kind, Condition: w.cond}
		if w.until > 0 {
			t.Until = e.wallAt(w.until)
		}
		if w.detail != nil {
			t.Detail = w.detail()
		}
		if w.kind == task.WaitUnsure {
			t.Cause = e.unsureCause(w.cond)
		}
		shown = append(shown, t)
	}
	return shown
}

// launchDetail says how far the launch is that an admitted run waits for.
func (e *Engine) launchDetail(u *run) string {
	switch l := e.launches[u.Token]; {
	case l == nil:
		return ""
	case l.State == ServerLaunching && l.Process.IsZero():
		return "its class server is being started"
	case l.State == ServerLaunching:
		return fmt.Sprintf("pid %d has not registered the class", l.Process.PID)
	case l.State == ServerUp:
		return fmt.Sprintf("pid %d is up but has not registered the class", l.Process.PID)
	}
	return "its class server is being ended and will be launched again"
}

// unsureCause returns why the facts behind a condition are unknown.
func (e *Engine) unsureCause(c task.Condition) task.Cause {
	for _, n := range c.Needs() {
		f := e.facts[n.Fact]
		if f == nil {
			return task.CauseNoSource
		}
		if cause := f.cause(); cause != task.CauseNone {
			return cause
		}
	}
	return task.CauseNone
}
