// The latch (SEMANTICS section 3): occurrences that have fired and not yet run. A
// firing either joins the pending occurrence or makes a new one; in both cases it is
// durable when the step is committed, and the same occurrence number always stands for
// the same firings. An occurrence ends exactly once, in endOcc. A live occurrence whose
// run did not finish its work becomes pending again (relatch). What is pending must
// never be dropped without an end: it is started, or it expires, or it is removed.

package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// occ is an occurrence that has not ended.
type occ struct {
	Occurrence
	isDirty bool
	reg     *reg
	size    int // of its payload, in bytes
}

func (o *occ) dirtyBit() *bool { return &o.isDirty }
func (o *occ) write() Write {
	if o.State == OccEnded {
		return Delete{Occurrence{TaskID: o.TaskID, First: o.First}}
	}
	return Put{o.Occurrence}
}

// view returns the occurrence as users see it.
func (o *occ) view() task.Occurrence {
	return task.Occurrence{Number: o.Number, Due: o.Due, Observed: o.Observed, Last: o.Last, Count: o.Count, Missed: o.Missed}
}

// firing is one event of a trigger that was accepted.
type firing struct {
	by      FiredBy
	due     time.Time // zero means now
	details task.Details
	missed  int
	catchUp time.Duration
	now     bool // waives conditions
	apart   bool // needs its own occurrence: RunAll
}

// fire accepts a firing: it joins the pending occurrence or makes a new one, which
// takes the number of this firing.
func (e *Engine) fire(r *reg, f firing) *occ {
	r.Firing++
	if f.due.IsZero() {
		f.due = e.now.Wall
	}
	if f.details == nil {
		f.details = task.TimeTriggerDetails{Due: f.due, Missed: f.missed}
	}
	e.disarmOneShot(r)
	e.markLedger(r)
	o := e.join(r, f)
	e.setPayload(o, joined(o.Details, f.details))
	// The occurrence takes the number of its last firing, and its attempts start again:
	// the same number always means the same firings.
	o.Number, o.By, o.Due, o.Last, o.LastAt = r.Firing, f.by, f.due, e.now.Wall, e.clock.elapsed
	o.Count++
	o.Missed += f.missed
	o.Attempt = 0
	o.CatchUp = max(o.CatchUp, f.catchUp)
	if f.now {
		o.Waived = true
		r.NotBefore = 0
	}
	e.mark(o)
	view := o.view()
	e.emit(r, task.Event{Kind: task.EventFired, Occurrence: &view, Text: "by " + e.byWhat(r, o)})
	e.touch(r)
	return o
}

// disarmOneShot disarms a one-shot trigger at its first firing, by hand or not.
func (e *Engine) disarmOneShot(r *reg) {
	if task.OneShot(r.Spec.Trigger) {
		r.Disarmed = true
	}
}

// join returns the occurrence that takes the firing: the newest pending one if it
// coalesces or the queue is full, else a new one.
func (e *Engine) join(r *reg, f firing) *occ {
	room := r.Spec.Queue
	if f.apart {
		room = max(room, r.Spec.Misfire.Max, 1)
	}
	if n := len(r.pending); n > 0 && (room == 0 || n >= room) {
		return r.pending[n-1]
	}
	o := &occ{Occurrence: Occurrence{TaskID: r.id(), First: r.Firing, Observed: e.now.Wall, FirstAt: e.clock.elapsed}, reg: r}
	r.pending = append(r.pending, o)
	if len(r.pending) == 1 {
		e.subscribe(r)
	}
	return o
}

// joined returns the payload of an occurrence after a firing joined it. The last
// payload wins, except that changed paths add up, because Run must look at all of them.
func joined(before, last task.Details) task.Details {
	b, ok := before.(task.StorageLibraryContentChangedTriggerDetails)
	l, also := last.(task.StorageLibraryContentChangedTriggerDetails)
	if !ok || !also {
		return last
	}
	all := task.StorageLibraryContentChangedTriggerDetails{Paths: slices.Compact(slices.Sorted(slices.Values(slices.Concat(b.Paths, l.Paths)))), Overflow: b.Overflow || l.Overflow}
	if len(all.Paths) > task.MaxChangedPaths || task.PayloadSize(all) > task.MaxPayload {
		return task.StorageLibraryContentChangedTriggerDetails{Overflow: true}
	}
	return all
}

// setPayload replaces the payload of o. The payloads of all occurrences that have not
// ended count against the limits.
func (e *Engine) setPayload(o *occ, d task.Details) {
	size := task.PayloadSize(d)
	e.payloads += size - o.size
	o.reg.pack.payloads += size - o.size
	o.Details, o.size = d, size
}

// roomFor reports whether n payloads of this size may be kept; if not, it returns the
// refusal.
func (e *Engine) roomFor(r *reg, size, n int) (Answer, bool) {
	switch {
	case size > task.MaxPayload:
		return refuse(task.ErrLimit, r.Spec.Name, fmt.Sprintf("%d bytes of arguments exceed the limit of %d bytes", size, task.MaxPayload), "pass a path instead"), false
	case r.pack.payloads+size*n > task.MaxPending:
		return refuse(task.ErrLimit, r.Spec.Name, fmt.Sprintf("pending arguments of package %s would exceed %d MiB", r.pack.Family, task.MaxPending>>20), ""), false
	case e.payloads+size*n > task.MaxPendingAll:
		return refuse(task.ErrLimit, r.Spec.Name, fmt.Sprintf("pending arguments would exceed %d MiB", task.MaxPendingAll>>20), ""), false
	}
	return Answer{}, true
}

// endPending ends an occurrence that is not live.
func (e *Engine) endPending(r *reg, o *occ, end task.End) {
	r.pending = slices.DeleteFunc(r.pending, func(p *occ) bool { return p == o })
	e.endOcc(r, o, end)
	if len(r.pending) == 0 {
		e.unsubscribeIfIdle(r)
	}
}

// endOcc is the only place where an occurrence ends.
func (e *Engine) endOcc(r *reg, o *occ, end task.End) {
	move(&o.State, OccEnded, occMoves, "occurrence of "+r.Spec.Name)
	e.setPayload(o, nil)
	e.mark(o)
	r.writeCold().LastEnd = task.Ended{Number: o.Number, End: end, At: e.now.Wall}
	e.markLedger(r)
	view := o.view()
	e.emit(r, task.Event{Kind: task.EventOccurrence, Occurrence: &view, End: end})
	e.touch(r)
}

// relatch makes the live occurrence pending again. With a queue it goes back to the
// front; otherwise it merges with a newer pending one, and one run will follow the last
// of their firings.
func (e *Engine) relatch(r *reg, o *occ) {
	move(&o.State, OccPending, occMoves, "occurrence of "+r.Spec.Name)
	r.live = nil
	e.mark(o)
	if r.State == RegRemoving {
		e.endOcc(r, o, task.EndRemoved)
		return
	}
	if r.Spec.Queue > 0 || len(r.pending) == 0 || r.Spec.Misfire.Policy == task.RunAll {
		r.pending = slices.Insert(r.pending, 0, o)
		e.subscribe(r)
		return
	}
	// Both ask for the same work: o stays, since it is older, and takes over the firings of
	// the newer one.
	newer := r.pending[len(r.pending)-1]
	o.Number, o.By, o.Due, o.Last, o.LastAt = newer.Number, newer.By, newer.Due, newer.Last, newer.LastAt
	o.Count += newer.Count
	o.Missed += newer.Missed
	o.Attempt = 0
	o.Waived = o.Waived || newer.Waived
	o.CatchUp = max(o.CatchUp, newer.CatchUp)
	details := joined(o.Details, newer.Details)
	e.setPayload(newer, nil)
	e.setPayload(o, details)
	move(&newer.State, OccEnded, occMoves, "occurrence of "+r.Spec.Name) // merged: its firings belong to o now
	e.mark(newer)
	r.pending[len(r.pending)-1] = o
}

// expire ends occurrences that were held too long, or waives their conditions, as the
// hold policy says. It runs before starts are decided.
func (e *Engine) expire(r *reg) {
	h := r.Spec.Hold
	if h.AtMost <= 0 {
		return
	}
	for _, o := range slices.Clone(r.pending) {
		switch {
		case h.Then == task.Drop && e.clock.elapsed >= o.LastAt+h.AtMost:
			e.endPending(r, o, task.EndExpired)
		case h.Then == task.RunAnyway && !o.Waived && e.clock.elapsed >= o.FirstAt+h.AtMost:
			o.Waived = true
			e.mark(o)
		}
	}
}

// nextExpiry returns when the hold of the first occurrence ends; 0 means never.
func (e *Engine) nextExpiry(r *reg) (at time.Duration) {
	h := r.Spec.Hold
	if h.AtMost <= 0 {
		return 0
	}
	for _, o := range r.pending {
		switch {
		case h.Then == task.Drop:
			at = earlier(at, o.LastAt+h.AtMost)
		case !o.Waived:
			at = earlier(at, o.FirstAt+h.AtMost)
		}
	}
	return at
}
