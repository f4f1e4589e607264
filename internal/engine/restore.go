// Restoring: what a new broker finds (SEMANTICS section 6). Restore derives everything
// from the stored rows and returns the actions that are still owed: whatever was
// committed by an earlier broker may or may not have been performed, so it is asked for
// again, and every action is harmless to repeat. Within the same boot, hosts and
// launched processes may have outlived the broker; they get task.AdoptionWindow to come
// back, and their runs continue. After a reboot nothing runs any more, and live runs
// end as Lost.

package engine

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/task"
)

// Restore makes an engine from the stored state. An empty State is a new installation.
// The Output asks again for every action that was committed but may not have been
// performed.
func Restore(now Instant, cfg Config, saved State) (*Engine, Output) {
	cfg.Policy = cfg.Policy.WithDefaults()
	e := &Engine{
		cfg: cfg, rng: rand.NewPCG(cfg.Seed, saved.Seq), now: now, seq: saved.Seq,
		packages: map[string]*pack{}, leftovers: map[string]*pack{}, regs: make(map[task.GUID]*reg, len(saved.Registrations)), runs: map[task.GUID]*run{},
		hosts: map[HostID]*host{}, launches: map[task.LaunchToken]*launch{}, servers: map[serverKey]*server{},
		keys: map[exclusive]*reg{}, facts: map[string]*fact{}, sources: map[string]*task.SourceState{},
		edges: map[task.SystemTriggerType]regSet{}, events: map[string]regSet{},
		answers: answers{byID: map[RequestID]*remembered{}},
	}
	// The order matters: facts need the clock, registrations need packages, runs need
	// launches and occurrences, and whatever ends here must find everything else in place.
	e.restoreClock(saved.Clock)
	e.restoreFacts(saved.Facts)
	for _, st := range cfg.Sources {
		e.sourceChanged(SourceChanged{st})
	}
	e.restorePackages(saved.Packages)
	all := e.restoreRegistrations(saved)
	e.restoreOccurrences(saved.Occurrences)
	e.restoreLaunches(saved.Launches)
	e.restoreRuns(saved.Runs)
	e.restoreAnswers(saved.Answers)
	e.restoreCalendars(saved.Clock)
	e.todo = slices.Grow(e.todo, len(all))
	for _, r := range all {
		if r.State != RegGone {
			e.touch(r)
		}
	}
	for _, family := range sortedKeys(e.packages) {
		e.serviceWhenDone(e.packages[family])
		e.packageWhenDone(e.packages[family])
	}
	e.ready.stale = true
	e.work()
	return e, e.flush()
}

// restoreClock continues elapsed time. Over a reboot, the difference of the wall clock
// counts, never below zero.
func (e *Engine) restoreClock(saved Clock) {
	c := &e.clock
	c.Clock = saved
	cause := task.MissedBrokerDown
	switch {
	case saved.Boot == "":
		c.Base = time.Second - e.now.Boot // elapsed time begins above zero, because zero means "none"
		c.Boot, c.Wall, c.Elapsed = e.now.ID, e.now.Wall, time.Second
	case saved.Boot == e.now.ID && saved.Behind:
		c.correct(e.now.Wall.Sub(saved.Wall) - (saved.Base + e.now.Boot - saved.Elapsed))
	case saved.Boot != e.now.ID:
		off := max(e.now.Wall.Sub(saved.Wall), 0)
		c.Behind = e.now.Wall.Before(saved.Wall)
		c.Base = saved.Elapsed + off - e.now.Boot
		cause = task.MissedPoweredOff
	}
	c.elapsed = c.Base + e.now.Boot
	if c.elapsed < saved.Elapsed { // an instant that was stored must not come again
		c.Base += saved.Elapsed - c.elapsed
		c.elapsed = saved.Elapsed
	}
	if saved.Boot != "" {
		c.gap(gap{from: saved.Elapsed, to: c.elapsed, wallFrom: saved.Wall, wallTo: e.now.Wall, cause: cause})
	}
}

// restoreCalendars handles a change of the zone or a step of the wall clock that
// happened while no broker was running.
func (e *Engine) restoreCalendars(saved Clock) {
	if e.clock.Behind {
		return
	}
	if step := e.now.Wall.Sub(saved.Wall) - (e.clock.elapsed - saved.Elapsed); saved.Boot == e.now.ID && step.Abs() >= stepNoticed {
		e.clockEvent("the wall clock was set by " + step.Round(time.Millisecond).String() + " while no broker was running")
		e.calendarsStepped(step)
	}
	e.zoneChanged()
}

// restoreFacts restores the last values of lasting facts. Every other fact starts as
// unknown, and its first value is not an edge.
func (e *Engine) restoreFacts(saved []LastingFact) {
	for _, l := range saved {
		e.fact(l.Name).last = l.Value
	}
}

// restorePackages restores packages and adds the one for command tasks. The removal of
// folders continues.
func (e *Engine) restorePackages(saved []Package) {
	for _, rec := range saved {
		if rec.Gone {
			e.removeFolders(&pack{Package: rec})
			continue
		}
		e.newPack(rec)
	}
	if e.packages[task.CommandPackage] == nil {
		p := e.newPack(Package{Package: task.Package{Family: task.CommandPackage, Name: task.CommandPackage, Access: task.AlwaysAllowed}})
		e.mark(p)
	}
	if e.cfg.Commands.Executable != "" {
		p := e.packages[task.CommandPackage]
		p.Servers = []task.ClassServer{e.cfg.Commands}
	}
}

// restoreRegistrations restores registrations in the order of registering.
func (e *Engine) restoreRegistrations(saved State) []*reg {
	all := make([]*reg, 0, len(saved.Registrations))
	ledgers := make(map[task.GUID]*Ledger, len(saved.Ledgers))
	for i := range saved.Ledgers {
		ledgers[saved.Ledgers[i].TaskID] = &saved.Ledgers[i]
	}
	slices.SortFunc(saved.Registrations, func(a, b Registration) int { return compare(a.Order, b.Order) })
	for _, rec := range saved.Registrations {
		p, l := e.packages[rec.Package], ledgers[rec.TaskID]
		if p == nil || l == nil {
			continue // rows of one registration are written together
		}
		r := &reg{taskID: rec.TaskID, Spec: splitSpec(rec.Spec), Order: rec.Order}
		r.open(l)
		r.registered = UnixTimeOf(rec.Registered)
		e.order = max(e.order, rec.Order)
		e.enter(r, p)
		all = append(all, r)
		e.restoreCalendar(r, saved.Zones)
		r.since = UnixTimeOf(e.now.Wall)
		if l.State == RegSuspended {
			p.suspended[r], r.since = struct{}{}, UnixTimeOf(l.Since)
		}
	}
	return all
}

// restoreCalendar parses the calendar of r and sets its zone. The next instant was
// stored.
func (e *Engine) restoreCalendar(r *reg, zones map[string]*time.Location) {
	t, ok := r.Spec.Trigger.(task.CalendarTrigger)
	if !ok {
		return
	}
	schedule, err := calendar.Parse(t.Expr)
	if err != nil {
		return // it was refused when it was registered
	}
	r.setCalendar(schedule)
	r.setZone(zones[cmp.Or(t.Zone, schedule.Zone())])
}

// restoreOccurrences restores occurrences in the order of their first firings.
func (e *Engine) restoreOccurrences(saved []Occurrence) {
	slices.SortFunc(saved, func(a, b Occurrence) int { return compare(a.First, b.First) })
	for _, rec := range saved {
		r := e.regs[rec.TaskID]
		if r == nil {
			continue
		}
		o := &occ{Occurrence: rec, reg: r}
		e.setPayload(o, rec.Details)
		if rec.State == OccLive {
			r.live = o
		} else {
			r.pending = append(r.pending, o)
		}
		e.subscribe(r)
	}
}

// sortedRegs returns all registrations in the order of registering.
func (e *Engine) sortedRegs() []*reg {
	all := make([]*reg, 0, len(e.regs))
	for _, r := range e.regs {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *reg) int { return compare(a.Order, b.Order) })
	return all
}

// restoreLaunches asks for every process that an earlier broker of this boot started.
// Those of an earlier boot are gone.
func (e *Engine) restoreLaunches(saved []Launch) {
	slices.SortFunc(saved, func(a, b Launch) int { return slices.Compare(a.Token[:], b.Token[:]) })
	for _, rec := range saved {
		s := e.serverOf(rec.Package, rec.Server)
		l := &launch{Launch: rec, server: s}
		l.timer.owner = l
		e.addLaunch(l)
		if e.clock.Boot != e.now.ID {
			continue
		}
		switch rec.State {
		case ServerLaunching:
			s.launching, l.slot = l, true
			e.slots.launches++
			l.At, l.adopted = e.now.Awake, true // its time-out starts again, because no broker was running to see it come up
			e.awake.arm(&l.timer, l.At+task.AdoptionWindow)
		case ServerEnding:
			l.blocks, l.adopted = true, true
			s.ending++
			e.awake.arm(&l.timer, e.now.Awake+task.KillDelay)
		}
		e.do(FindProcess{l.Process, l.Token})
	}
}

// restoreRuns ends the runs of an earlier boot as Lost. Any other run waits for its
// host to come back, or for its end.
func (e *Engine) restoreRuns(saved []Run) {
	slices.SortFunc(saved, func(a, b Run) int { return slices.Compare(a.ID[:], b.ID[:]) })
	var lost []*run
	for _, rec := range saved {
		r := e.regs[rec.TaskID]
		if r == nil || r.live == nil {
			continue
		}
		u := &run{Run: rec, reg: r, occ: r.live}
		u.timer.owner = u
		r.run = u
		e.runs[u.ID] = u
		e.takeSlots(u)
		if rec.State == RunUnresponsive {
			e.freeSlots(u)
		}
		if e.clock.Boot != e.now.ID {
			lost = append(lost, u)
			continue
		}
		e.adopt(u)
	}
	for _, token := range sortedTokens(e.launches) {
		e.awaitHost(e.launches[token])
	}
	if e.clock.Boot != e.now.ID {
		e.bootEnded(lost)
	}
}

// adopt makes a run wait for its host. A Starting run waits for its launch.
func (e *Engine) adopt(u *run) {
	if u.State == RunStarting {
		if e.launches[u.Token] != nil {
			e.armRun(u)
			return
		}
		u.Token = task.LaunchToken{}
		e.placeOrWait(u, "its class server ended while no broker was running")
		return
	}
	h := e.hosts[u.Host]
	if h == nil {
		h = e.makeHost(u.Host, u.reg.pack, u.Token)
		h.version, h.edition = u.Version, u.Edition
		e.awaitReturn(h)
		if u.Token.IsZero() {
			e.do(FindProcess{Process: u.Host})
		}
	}
	h.runs = append(h.runs, u)
	e.armRun(u)
}

// awaitReturn gives a host time to come back, unless it was being ended.
func (e *Engine) awaitReturn(h *host) {
	l := e.launches[h.token]
	if l != nil && l.State == ServerEnding {
		h.state, h.neverReturned = HostEnding, true // runs with another reason to end were canceled, or have a Failing text
		e.awake.arm(&l.timer, 0)
		e.awake.arm(&h.timer, e.now.Awake+task.KillDelay)
		return
	}
	h.state = HostDetached
	e.awake.arm(&h.timer, e.now.Awake+task.AdoptionWindow)
}

// awaitHost gives a launched server without a live run the same time to come back.
func (e *Engine) awaitHost(l *launch) {
	if l.State != ServerUp || l.Process.IsZero() || e.clock.Boot != e.now.ID || e.hosts[l.Process] != nil {
		return
	}
	h := e.makeHost(l.Process, e.packages[l.Package], l.Token)
	h.version, h.edition = l.Version, l.Edition
	e.awaitReturn(h)
}

// bootEnded ends everything of the last boot: the machine was off, so nothing of it
// still runs.
func (e *Engine) bootEnded(lost []*run) {
	e.clock.Boot = e.now.ID
	for _, token := range sortedTokens(e.launches) {
		l := e.launches[token]
		l.State = ServerAbsent
		e.forgetLaunch(l)
		e.mark(l)
	}
	for _, u := range lost {
		u.EnteredAt = e.now.Awake // the awake clock of the last boot says nothing now
		e.endRun(u, lostEnding(u, "the machine was off"))
	}
	e.clockEvent("the machine was started")
}

// restoreAnswers restores the remembered answers, oldest first.
func (e *Engine) restoreAnswers(saved []Remembered) {
	slices.SortFunc(saved, func(a, b Remembered) int {
		return cmp.Or(cmp.Compare(a.At, b.At), slices.Compare(a.Request[:], b.Request[:]))
	})
	for _, rec := range saved {
		rem := &remembered{Answer: rec.Answer}
		e.answers.byID[rec.Request] = rem
		e.answers.order = append(e.answers.order, rem)
	}
}
