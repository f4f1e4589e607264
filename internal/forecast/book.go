// The record of a simulation: what happens, taken from the events that the engine sends
// to watchers, and turned into the happenings of the answer. It must take nothing from
// the inside of the engine, so that a forecast says exactly what history would.

package forecast

import (
	"fmt"
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// book records what happens, from the events that the engine sends to watchers.
type book struct {
	f        *forecast
	accounts map[task.GUID]*account
	order    []*account // by package, name and age
	happened []*task.Happening
	touched  []*account
	served   map[task.GUID]bool // classes that a simulated class server shows
}

// account is the record of one task.
type account struct {
	prospect task.Prospect
	class    task.GUID
	facts    []string // facts that it depends on
	wanted   bool
	state    *task.State
	touched  bool
	again    time.Time     // since when an occurrence is pending again after its run ended
	waits    []task.Reason // reasons of what is pending, in the order of appearance
	runID    task.GUID
	run      *task.Happening // the live run; nil: none, or it began too early
	missed   *task.Happening // the last happening, if it was missed instants
}

func newBook(f *forecast, all []task.Info) *book {
	b := &book{f: f, accounts: make(map[task.GUID]*account, len(all)), served: map[task.GUID]bool{}}
	for i := range all {
		info := &all[i]
		a := &account{wanted: f.q.Wanted == nil || f.q.Wanted(*info), class: info.Spec.EntryPoint, facts: info.Spec.Facts(), state: &info.State}
		a.prospect = task.Prospect{TaskID: info.TaskID, Package: info.Package, Name: info.Spec.Name}
		b.accounts[info.TaskID] = a
		b.order = append(b.order, a)
		a.wait()
	}
	return b
}

// unserved returns the classes of a package's tasks that no class server shows yet.
func (b *book) unserved(family string) (all []task.GUID) {
	for _, a := range b.order {
		if a.prospect.Package == family && !b.served[a.class] {
			all = append(all, a.class)
		}
	}
	return all
}

// note takes an event. For the tasks in question, happenings are added from From on.
func (b *book) note(ev task.Event) {
	a := b.accounts[ev.TaskID]
	if a == nil {
		return
	}
	was := a.state
	if ev.State != nil {
		a.state = ev.State
		if !a.touched {
			a.touched = true
			b.touched = append(b.touched, a)
		}
	}
	switch ev.Kind {
	case task.EventStarting:
		b.starting(a, ev)
	case task.EventEnded:
		b.ended(a, ev)
	case task.EventOccurrence:
		b.occurrence(a, ev)
	case task.EventMissed:
		b.missed(a, ev)
	case task.EventChanged:
		if a.state.Phase == task.Suspended && was.Phase != task.Suspended {
			b.add(a, task.Happening{Kind: task.HappensSuspend, Text: a.state.Text})
		}
	}
}

// most limits the number of different reasons that are reported for one hold.
const most = 8

// wait records what the task waits for at the end of an instant.
func (a *account) wait() {
	if a.state.Waiting == 0 {
		return
	}
	for _, r := range a.state.Reasons {
		same := func(x task.Reason) bool { return x.Kind == r.Kind && x.Condition == r.Condition }
		if len(a.waits) < most && r.Kind != task.WaitLaunching && !slices.ContainsFunc(a.waits, same) {
			a.waits = append(a.waits, r)
		}
	}
}

func (b *book) instantOver() {
	for _, a := range b.touched {
		a.touched = false
		a.wait()
	}
	b.touched = b.touched[:0]
}

func (b *book) now() time.Time { return b.f.now.Wall }

// counts reports whether what happens now is part of the answer.
func (b *book) counts() bool { return !b.now().Before(b.f.q.From) }

// add adds a happening, unless it is too early or of a task that is not in question.
func (b *book) add(a *account, h task.Happening) *task.Happening {
	a.missed = nil
	if !a.wanted || !b.counts() {
		return nil
	}
	if len(b.happened) >= task.MaxHappenings {
		b.f.stopped = fmt.Sprintf("more happens than the %d lines that a simulation may have", task.MaxHappenings)
	}
	h.TaskID, h.Package, h.Name = a.prospect.TaskID, a.prospect.Package, a.prospect.Name
	if h.At.IsZero() {
		h.At = b.now()
	}
	b.happened = append(b.happened, &h)
	return &h
}

// held returns since when what is over now was pending, and adds the time to the total.
func (b *book) held(a *account, since time.Time) time.Time {
	if a.again.After(since) {
		since = a.again
	}
	if !since.Before(b.now()) {
		return time.Time{}
	}
	from := since
	if from.Before(b.f.q.From) {
		from = b.f.q.From
	}
	a.prospect.Held += max(b.now().Sub(from), 0)
	return since.In(b.now().Location())
}

func (b *book) starting(a *account, ev task.Event) {
	h := task.Happening{Kind: task.HappensRun, Firings: ev.Run.Occurrence.Count, Attempt: ev.Run.Attempt}
	if h.HeldSince = b.held(a, ev.Run.Occurrence.Observed); !h.HeldSince.IsZero() {
		h.HeldFor = a.waits
	}
	a.again, a.waits = time.Time{}, nil
	a.run, a.runID = b.add(a, h), ev.Run.ID
	if a.run != nil {
		a.prospect.Runs++
	}
}

func (b *book) ended(a *account, ev task.Event) {
	r := ev.Run
	a.again = b.now() // unless its occurrence ends too
	if b.counts() {
		a.prospect.Counts.Runs++
		a.prospect.Counts.ByOutcome[r.Outcome]++
	}
	if a.run != nil && a.runID == r.ID {
		a.run.Ended, a.run.Outcome, a.run.Reason, a.run.Text = b.now(), r.Outcome, r.Reason, r.Text
	}
	a.run = nil
}

func (b *book) occurrence(a *account, ev task.Event) {
	defer func() { a.again = time.Time{} }()
	if ev.End == task.EndDone || ev.End == task.EndFailed {
		return // its run reports that
	}
	h := task.Happening{Kind: task.HappensEnd, End: ev.End, Firings: ev.Occurrence.Count}
	if h.HeldSince = b.held(a, ev.Occurrence.Observed); !h.HeldSince.IsZero() {
		h.HeldFor, a.waits = a.waits, nil
	}
	if ev.End == task.EndExpired && b.counts() {
		a.prospect.Expired++
	}
	b.add(a, h)
}

// missed joins missed instants that directly follow each other.
func (b *book) missed(a *account, ev task.Event) {
	m := *ev.Missed
	if b.counts() {
		a.prospect.Counts.Missed += m.Count
	}
	if last := a.missed; last != nil && last.Missed.Cause == m.Cause && m.MadeUp == 0 {
		last.Missed.Last, last.Missed.Count, last.Missed.More = m.Last, last.Missed.Count+m.Count, last.Missed.More || m.More
		return
	}
	a.missed = b.add(a, task.Happening{Kind: task.HappensMissed, Missed: &m})
}
