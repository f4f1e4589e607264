// The table of outcomes once more (SEMANTICS section 5), written independently of the
// engine's, from the outcomes and ends in history.

package sim

import (
	"strings"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// tally holds the counts of what came in a row, as section 5 of SEMANTICS defines them.
type tally struct {
	fired, tries, faults, losses int
}

// checkOutcomes checks the ended runs of a commit against the table of outcomes.
func (a *auditor) checkOutcomes(events []task.Event) {
	for i, ev := range events {
		b := a.book(ev.TaskID)
		switch ev.Kind {
		case task.EventFired:
			b.fired++
		case task.EventChanged:
			if strings.HasPrefix(ev.Text, "resumed:") {
				b.faults = 0
			}
		case task.EventEnded:
			a.applyOutcome(b, *ev.Run, endAfter(events[i+1:], *ev.Run), inOneProcess(events, *ev.Run) > 1)
		}
	}
	for id := range a.touched {
		if l := a.m.store.ledgers[id]; l.Faults >= task.FaultsToSuspend && l.State == engine.RegActive {
			a.m.broken("%s goes on after %d faults", a.book(id).name, l.Faults)
		}
		l, ok := a.m.store.ledgers[id]
		b := a.book(id)
		if have := (tally{int(l.Firing), int(l.Tries), int(l.Faults), int(l.Losses)}); ok && have != b.tally {
			a.m.broken("%s counts {firings tries faults losses} %v, want %v", b.name, have, b.tally)
		}
	}
}

// inOneProcess counts the runs that the end of r's process ended. If there are several,
// none of them is counted as the cause.
func inOneProcess(events []task.Event, r task.Run) (n int) {
	for _, ev := range events {
		if ev.Kind != task.EventEnded || ev.Run.Launch != r.Launch || ev.Run.Exit != r.Exit || ev.Run.Stderr != r.Stderr {
			continue
		}
		switch ev.Run.Outcome {
		case task.Crashed, task.Canceled, task.TimedOut:
			n++
		case task.ActivationFailed: // both of a run that was sent and of one that waited for its class
			if strings.Contains(ev.Run.Text, "not answered") {
				n++
			}
		}
	}
	return n
}

// endAfter returns the end that the occurrence of a run came to with the run.
func endAfter(events []task.Event, r task.Run) task.End {
	for _, ev := range events {
		switch {
		case ev.TaskID != r.TaskID:
		case ev.Kind == task.EventEnded:
			return task.EndNone
		case ev.Kind == task.EventOccurrence && ev.Occurrence.Number == r.Occurrence.Number:
			return ev.End
		}
	}
	return task.EndNone
}

// applyOutcome is the table of outcomes.
func (a *auditor) applyOutcome(b *taskBook, r task.Run, end task.End, several bool) {
	want := task.EndNone
	losses := 0
	switch r.Outcome {
	case task.Completed:
		want = task.EndDone
		b.tries, b.faults = 0, 0
	case task.Failed, task.TimedOut:
		want = task.EndFailed
		b.tries, b.faults = 0, 0
	case task.RetryAsked, task.Lost:
		if r.Outcome == task.RetryAsked {
			b.faults = 0
		}
		if b.tries++; b.tries >= a.m.store.regs[r.TaskID].Spec.Retry.WithDefaults().Attempts {
			want, b.tries = task.EndGaveUp, 0
		}
	case task.Canceled:
		want, losses = a.canceled(b, r, end)
	case task.Crashed:
		if !several || r.Text != "" { // a panic is its own
			b.faults++
		}
	default:
		b.faults++
	}
	b.losses = losses
	gone := (end == task.EndRemoved || end == task.EndExpired) && (want == task.EndNone || want == task.EndGaveUp)
	if _, there := a.m.store.regs[r.TaskID]; end != want && !gone && there {
		a.m.broken("%s: a run ended %v (%v) and its occurrence %v, want %v", r.Name, r.Outcome, r.Reason, end, want)
	}
}

// canceled returns the end and the losses that a canceled run should lead to. A user's
// cancel is final, whatever reason came first; after a loss the conditions must settle.
func (a *auditor) canceled(b *taskBook, r task.Run, end task.End) (want task.End, losses int) {
	_, maintenance := a.m.store.regs[r.TaskID].Spec.Trigger.(task.MaintenanceTrigger)
	loss, final := false, false
	switch r.Reason {
	case task.ReasonConditionLoss, task.ReasonResourceRevocation, task.ReasonEnergySaver:
		loss = true
	case task.ReasonAbort:
		loss, final = maintenance, !maintenance
	case task.ReasonIdleTask, task.ReasonUninstall:
		final = true
	}
	switch {
	case final || end == task.EndCanceled:
		return task.EndCanceled, 0
	case loss:
		return task.EndNone, b.losses + 1
	}
	return task.EndNone, 0
}

// reached counts how often each kind of thing was seen, so that a test can check that
// the histories go everywhere.
type reached map[string]int

func (a *auditor) reach(w batch) {
	for _, wr := range w.writes {
		switch wr := wr.(type) {
		case engine.Put:
			switch r := wr.Record.(type) {
			case engine.Run:
				a.reached["run "+r.State.String()]++
			case engine.Launch:
				a.reached["launch "+r.State.String()]++
			case engine.Ledger:
				a.reached["registration "+r.State.String()]++
			}
		case engine.Append:
			a.reached["event "+wr.Event.Kind.String()]++
			if wr.Event.End != task.EndNone {
				a.reached["end "+wr.Event.End.String()]++
			}
			if r := wr.Event.Run; r != nil && wr.Event.Kind == task.EventEnded {
				a.reached["outcome "+r.Outcome.String()]++
			}
			if m := wr.Event.Missed; m != nil {
				a.reached["missed "+m.Cause.String()]++
			}
		}
	}
}
