// A registration in memory: what is stored of it, what follows from that, and the
// indexes under which events find it. Most of a hundred thousand registrations are
// idle, so a step must only look at those that it touches. touch queues a registration
// for this step or the next; advance then brings it up to now. No code may decide about
// a registration in any other place, or why and the decision could disagree.

package engine

import (
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// reg is a registration: its stored rows and what follows from them.
type reg struct {
	taskID     task.GUID
	Spec       hotSpec
	Order      uint64 // of registering: of duplicates, the oldest stays
	registered UnixTime
	LedgerHot
	*cold
	regDirty, ledgerDirty bool

	pack *pack
	twin *reg // the next of the same name, younger

	pending []*occ // oldest first; at most one unless Queue or RunAll allows more
	live    *occ
	run     *run

	holdsSince time.Duration // elapsed; -1: some condition does not hold, or is not watched
	since      UnixTime      // start of the phase that is shown
	shown      appearance    // what watchers saw last
	readyAge   time.Duration // first firing of the front occurrence, while in the ready queue

	elapsed   timer
	queued    bool // in todo
	isReady   bool
	isTouched bool
}

func (r *reg) id() task.GUID { return r.taskID }

// regSet is a set of registrations.
type regSet map[*reg]struct{}

// sorted returns the set in the order of registering. Ranging over a map has no order,
// and the engine must give the same output for the same events.
func (s regSet) sorted() []*reg {
	all := make([]*reg, 0, len(s))
	for r := range s {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *reg) int { return compare(a.Order, b.Order) })
	return all
}

// compare orders two numbers, as cmp.Compare does.
func compare[T ~uint64 | ~int64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// regRow and ledgerRow are the two rows of a registration: what stays, and what
// changes with every firing.
type (
	regRow    reg
	ledgerRow reg
)

func (r *regRow) dirtyBit() *bool    { return &r.regDirty }
func (r *ledgerRow) dirtyBit() *bool { return &r.ledgerDirty }

func (r *regRow) write() Write {
	if r.State == RegGone {
		return Delete{Registration{TaskID: r.taskID}}
	}
	return Put{(*reg)(r).registration()}
}

func (r *ledgerRow) write() Write {
	if r.State == RegGone {
		return Delete{Ledger{TaskID: r.taskID}}
	}
	return Put{(*reg)(r).ledger()}
}

func (e *Engine) markReg(r *reg)    { e.mark((*regRow)(r)) }
func (e *Engine) markLedger(r *reg) { e.mark((*ledgerRow)(r)) }

// touch queues r to be advanced in this step or, when the step has too much to do, in
// the next.
func (e *Engine) touch(r *reg) {
	if !r.queued && r.State != RegGone {
		r.queued = true
		e.todo = append(e.todo, work{reg: r})
	}
	e.noteTouched(r)
}

// noteTouched marks r so that its visible state is compared at the end of the step.
func (e *Engine) noteTouched(r *reg) {
	if !r.isTouched {
		r.isTouched = true
		e.touched = append(e.touched, r)
	}
}

// work is a registration to be advanced or, if fire is set, to be fired first.
type work struct {
	reg  *reg
	fire *firing
}

// do fires or advances the registration, unless it is gone by now.
func (w work) do(e *Engine) {
	if w.fire != nil {
		if w.reg.State != RegGone {
			e.fire(w.reg, *w.fire)
			e.touch(w.reg)
		}
		return
	}
	w.reg.queued = false
	if w.reg.State != RegGone {
		e.advance(w.reg)
	}
}

// due is called when a deadline of the registration has come.
func (r *reg) due(e *Engine) { e.touch(r) }

// advance brings r up to now, in the order that the contract gives: due instants fire,
// occurrences held too long expire, a condition that has failed long enough cancels the
// run, and then the ready queue is updated. Expiry comes before starting.
func (e *Engine) advance(r *reg) {
	e.fireDue(r)
	e.expire(r)
	e.watchConditions(r)
	e.spendWhenDone(r)
	e.updateReady(r)
	e.arm(r)
}

// arm sets the two timers of r to the first thing that can happen to it merely because
// time passes.
func (e *Engine) arm(r *reg) {
	if r.State == RegGone {
		e.elapsed.arm(&r.elapsed, 0)
		e.armWall(r, 0)
		return
	}
	at := e.nextDue(r)
	at = earlier(at, e.nextExpiry(r))
	at = earlier(at, e.nextLoss(r))
	at = earlier(at, e.nextReason(r))
	e.elapsed.arm(&r.elapsed, at)
	var wall time.Duration
	if !r.NextWall.IsZero() && e.armed(r) {
		wall = wallTime(r.NextWall)
	}
	e.armWall(r, wall)
}

// armWall sets the deadline on the wall clock, which only a calendar needs.
func (e *Engine) armWall(r *reg, at time.Duration) {
	if r.wall == nil {
		if at <= 0 {
			return
		}
		r.writeCold().wall = &timer{owner: r}
	}
	e.wall.arm(r.wall, at)
}

// armed reports whether the trigger of r can fire at all.
func (e *Engine) armed(r *reg) bool {
	return !r.Disarmed && (r.State == RegActive || r.State == RegSuspended)
}

func (e *Engine) isCommand(r *reg) bool { return r.Spec.Command != nil }

// index adds r to the sets of registrations that its trigger's events fire. unindex
// removes it.
func (e *Engine) index(r *reg) {
	switch t := r.Spec.Trigger.(type) {
	case task.SystemTrigger:
		if e.edges[t.Type] == nil {
			e.edges[t.Type] = regSet{}
		}
		e.edges[t.Type][r] = struct{}{}
	case task.CustomSystemEventTrigger:
		if e.events[t.ID] == nil {
			e.events[t.ID] = regSet{}
		}
		e.events[t.ID][r] = struct{}{}
	}
	if watched(r.Spec.Trigger) {
		e.do(Watch{r.id(), r.Spec.Trigger})
	}
}

func (e *Engine) unindex(r *reg) {
	switch t := r.Spec.Trigger.(type) {
	case task.SystemTrigger:
		delete(e.edges[t.Type], r)
	case task.CustomSystemEventTrigger:
		delete(e.events[t.ID], r)
		if len(e.events[t.ID]) == 0 {
			delete(e.events, t.ID)
		}
	}
	if watched(r.Spec.Trigger) {
		e.do(Unwatch{r.id()})
	}
}

// watched reports whether a watcher outside the engine must be set up for the trigger.
func watched(t task.Trigger) bool {
	switch t.(type) {
	case task.StorageLibraryContentChangedTrigger, task.SocketActivityTrigger, task.DeviceWatcherTrigger,
		task.ToastNotificationActionTrigger, task.PushNotificationTrigger:
		return true
	}
	return false
}
