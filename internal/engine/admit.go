// Admission: which of the ready registrations starts next (SEMANTICS section 5). A
// start takes everything that its run needs in one step: the exclusive key, a slot of
// its package, a slot of all, and a launch slot if the class must be launched. It takes
// all of them or none, so no run holds one while it waits for another, and there can be
// no deadlock. The order is fair: the package that was served longest ago goes first,
// and within it the oldest occurrence. Admission runs only when something was freed or
// became ready (stale).

package engine

import (
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// exclusive is an exclusive key of a package: two tasks with the same key never run at
// the same time.
type exclusive struct{ pack, key string }

// slots counts the limited resources that are in use.
type slots struct {
	live     int // live runs, without unresponsive ones
	launches int // in flight
}

// readyQueue holds the registrations whose front occurrence is blocked only by
// shared limits: packages in the order in which they were last served, and in each
// package the oldest occurrence first.
type readyQueue struct {
	packs  []*pack // those with a registration that is ready
	served uint64
	stale  bool // something changed that may let one start
}

// enqueue puts r into the ready queue of its package, at the place of its front
// occurrence.
func (e *Engine) enqueue(r *reg) {
	e.ready.stale = true
	// Its place depends on the front occurrence, which may have changed since.
	if r.isReady && r.readyAge == r.pending[0].FirstAt {
		return
	}
	e.dequeue(r)
	p := r.pack
	r.readyAge = r.pending[0].FirstAt
	at, _ := slices.BinarySearchFunc(p.ready, r, older)
	p.ready = slices.Insert(p.ready, at, r)
	r.isReady = true
	if len(p.ready) == 1 {
		e.ready.packs = append(e.ready.packs, p)
	}
}

// dequeue takes r out of the ready queue.
func (e *Engine) dequeue(r *reg) {
	if !r.isReady {
		return
	}
	p := r.pack
	p.ready = slices.DeleteFunc(p.ready, func(x *reg) bool { return x == r })
	r.isReady = false
	if len(p.ready) == 0 {
		e.ready.packs = slices.DeleteFunc(e.ready.packs, func(x *pack) bool { return x == p })
	}
}

// older orders by the first firing of the front occurrence, then by registering.
func older(a, b *reg) int {
	if c := compare(int64(a.readyAge), int64(b.readyAge)); c != 0 {
		return c
	}
	return compare(a.Order, b.Order)
}

// admit starts ready registrations until none can start.
func (e *Engine) admit() {
	if !e.ready.stale || e.stopping != nil {
		return
	}
	e.ready.stale = false
	for e.slots.live < e.cfg.Policy.RunsAtOnce {
		r := e.firstAdmissible()
		if r == nil {
			return
		}
		e.start(r)
	}
}

// firstAdmissible returns the registration to start next: in the package that was
// served longest ago, the oldest that can be admitted. No registration that could run
// is passed over forever.
func (e *Engine) firstAdmissible() *reg {
	slices.SortFunc(e.ready.packs, func(a, b *pack) int {
		if c := compare(a.served, b.served); c != 0 {
			return c
		}
		return compare(a.entered, b.entered)
	})
	for _, p := range e.ready.packs {
		if p.live >= e.cfg.Policy.RunsPerPackage {
			continue
		}
		for _, r := range p.ready {
			if len(e.sharedReasons(r)) == 0 {
				return r
			}
		}
	}
	return nil
}

// start admits the front occurrence of r. The run takes everything that it needs and is
// then placed.
func (e *Engine) start(r *reg) {
	e.dequeue(r)
	e.ready.served++
	r.pack.served = e.ready.served
	o := r.pending[0]
	r.pending = r.pending[1:]
	move(&o.State, OccLive, occMoves, "occurrence of "+r.Spec.Name)
	r.live = o
	o.Attempt++
	e.mark(o)
	// Only a probe starts while the registration is suspended: one in task.ProbeEvery.
	if r.State == RegSuspended {
		r.writeCold().Probe = e.clock.elapsed + task.ProbeEvery
		e.markLedger(r)
	}
	e.noteStart(r, o)
	u := &run{reg: r, occ: o, Run: Run{ID: e.newGUID(), TaskID: o.TaskID, First: o.First, Number: o.Number, Attempt: o.Attempt,
		Started: e.now.Wall, StartedAt: e.now.Awake, Waived: o.Waived, Limit: e.limitOf(r), Key: r.Spec.Exclusive}}
	u.timer.owner = u
	e.runs[u.ID] = u
	r.run = u
	e.takeSlots(u)
	e.mark(u)
	view := u.view(e)
	e.emit(r, task.Event{Kind: task.EventStarting, Run: &view})
	e.touch(r)
	// From here on the run may even end in this step: place may find that no class server
	// declares its class.
	e.place(u)
}

// noteStart counts a start by an edge or a watcher for the rate limit.
func (e *Engine) noteStart(r *reg, o *occ) {
	if o.By != ByEdge && o.By != ByWatch {
		return
	}
	now := e.clock.elapsed
	starts := slices.DeleteFunc(slices.Clone(r.Starts), func(at time.Duration) bool { return at+rateWindow(r) <= now })
	r.writeCold().Starts = append(starts, now)
	e.markLedger(r)
}

// takeSlots takes a slot of the package, a slot of all, and the exclusive key.
func (e *Engine) takeSlots(u *run) {
	u.counts = true
	e.slots.live++
	u.reg.pack.live++
	if u.Key != "" {
		e.keys[u.key()] = u.reg
	}
}

// freeSlots returns the counted slots. An unresponsive run keeps only its exclusive
// key: it may still be working, but must not block everything else.
func (e *Engine) freeSlots(u *run) {
	if u.counts {
		u.counts = false
		e.slots.live--
		u.reg.pack.live--
		e.ready.stale = true
	}
}

// freeKey frees the exclusive key when the run has ended. An unresponsive run keeps it.
func (e *Engine) freeKey(u *run) {
	if u.Key != "" && e.keys[u.key()] == u.reg {
		delete(e.keys, u.key())
		e.ready.stale = true
	}
}

// keyHolder returns the other registration that holds r's exclusive key, or nil.
func (e *Engine) keyHolder(r *reg) *reg {
	if r.Spec.Exclusive == "" {
		return nil
	}
	if holder := e.keys[exclusive{r.pack.Family, r.Spec.Exclusive}]; holder != r {
		return holder
	}
	return nil
}
