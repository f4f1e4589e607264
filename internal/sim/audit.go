// The auditor: an independent check of the engine. It sees only what is committed and
// what the simulated processes really do, keeps its own records of both, and ends the
// history at the first broken promise. It must not ask the engine for anything that it
// checks. It must not report a broken promise that was kept, either: where it cannot
// know, it says nothing.

package sim

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// auditor keeps records of what was committed and of what really runs, and ends the
// history when a promise is broken.
type auditor struct {
	m       *machine
	tasks   map[task.GUID]*taskBook
	runs    map[task.GUID]*runBook
	tokens  map[task.LaunchToken]bool // every launch that ever was; true while it exists
	up      map[task.LaunchToken]bool // launches that showed a class
	known   map[string]task.Value     // the last known value of each fact
	began   time.Duration             // elapsed time when the history began
	truth   map[task.GUID]*real       // instances that were entered
	answers map[engine.RequestID]engine.Answer

	touched  map[task.GUID]bool // registrations that the last commit changed
	movedRun bool               // and whether it changed a run or a launch
	reached  reached
}

// taskBook is the auditor's record of one registration.
type taskBook struct {
	tally
	name     string
	ended    int // firings of ended occurrences
	ends     map[uint64]task.End
	attempts map[uint64]int
	gone     bool
	kill     bool          // the user asked for its process to be killed
	ghost    time.Duration // since when it waits for an instance that does not exist; -1: it does not
	grid     time.Duration // anchor of the phase for which byTimer and missed count
	byTimer  int
	by       string          // what fired last
	byEdges  []time.Duration // starts by edges, elapsed
	missed   int
	live     map[task.GUID]bool // instances whose code really runs
}

// runBook is the auditor's record of one run.
type runBook struct {
	task     task.GUID
	key      string
	state    engine.RunState
	canceled bool
	since    time.Duration // of the cancel, in spent time; -1: not timed
	token    task.LaunchToken
	host     task.Process
	failing  time.Duration // since when its condition fails; -1: it does not
	deleted  bool
	ended    bool // it has its outcome
}

// real is what an instance really does.
type real struct {
	p      *process
	task   task.GUID
	lives  bool
	result *engine.Result
	lied   bool // its process denied that it has the instance
	stray  bool // its process named the instance after the broker had given it up
}

func newAuditor(m *machine) *auditor {
	return &auditor{m: m, tasks: map[task.GUID]*taskBook{}, runs: map[task.GUID]*runBook{}, tokens: map[task.LaunchToken]bool{},
		up: map[task.LaunchToken]bool{}, known: map[string]task.Value{},
		truth: map[task.GUID]*real{}, touched: map[task.GUID]bool{}, answers: map[engine.RequestID]engine.Answer{}, reached: reached{}}
}

// entered notes that the code of an instance runs from now on.
func (a *auditor) entered(p *process, i *instance, act task.Activation) {
	a.m.printf("-- %v runs %s of %s", p.id, short(i.id), act.Spec.Name)
	if a.truth[i.id] != nil {
		a.m.broken("instance %s is entered twice", short(i.id))
	}
	b := a.book(act.TaskID)
	for other := range b.live {
		if !a.truth[other].lied {
			a.m.broken("two live runs of %s: %s and %s", act.Spec.Name, short(other), short(i.id))
		}
	}
	b.live[i.id] = true
	a.truth[i.id] = &real{p: p, task: act.TaskID, lives: true}
}

// over notes that the code of an instance no longer runs.
func (a *auditor) over(i *instance, result *engine.Result) {
	t := a.truth[i.id]
	t.lives, t.result = false, result
	delete(a.tasks[t.task].live, i.id)
	a.m.printf("-- %v has ended %s", t.p.id, short(i.id))
}

// lied notes that a process denied an instance: what happens to that instance is no
// longer the broker's fault.
func (a *auditor) lied(i *instance) { a.truth[i.id].lied = true }

// strays notes the instances that a host names although the broker has given them up.
func (a *auditor) strays(ev engine.Event) {
	hello, ok := ev.(engine.Attached)
	if !ok || a.m.b.attached[hello.Host] == nil {
		return
	}
	for _, t := range a.truth {
		t.stray = t.stray && t.p.id != hello.Host // an instance that it no longer names is over, it says
	}
	for _, h := range hello.Instances {
		if t := a.truth[h.Instance]; t != nil && a.runs[h.Instance] != nil && a.runs[h.Instance].ended && h.Result == nil {
			t.stray = true
		}
	}
}

func (a *auditor) book(id task.GUID) *taskBook {
	b := a.tasks[id]
	if b == nil {
		b = &taskBook{ghost: -1, ends: map[uint64]task.End{}, attempts: map[uint64]int{}, live: map[task.GUID]bool{}}
		a.tasks[id] = b
	}
	return b
}

// replies checks that a request is answered exactly once, in its own step.
func (a *auditor) replies(ev engine.Event, out engine.Output) {
	id, isRequest := requestOf(ev)
	n := 0
	for _, act := range out.Actions {
		r, ok := act.(engine.Reply)
		switch {
		case !ok:
		case isRequest && r.Request == id:
			n++
		}
	}
	if isRequest && n != 1 {
		a.m.broken("%T is answered %d times", ev, n)
	}
}

// committed checks a commit and takes it into the records.
func (a *auditor) committed(w batch) {
	clear(a.touched)
	a.movedRun = false
	a.reach(w)
	a.edges(w)
	for _, ev := range w.events {
		a.strays(ev)
		if c, ok := ev.(engine.Cancel); ok && c.Kill {
			a.book(c.TaskID).kill = true
		}
	}
	started := map[string]bool{}
	for _, wr := range w.writes {
		switch wr := wr.(type) {
		case engine.Put:
			a.put(wr.Record)
		case engine.Delete:
			a.deleted(wr.Record)
		case engine.Append:
			a.event(wr.Event)
			if wr.Event.Kind == task.EventStarting {
				started[wr.Event.Package] = w.single
			}
		}
	}
	for _, act := range w.actions {
		if r, ok := act.(engine.Reply); ok {
			a.answered(r)
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(a.touched), compareIDs) {
		a.counts(id)
	}
	if w.single && len(w.events) > 0 {
		a.refused(w.events[0])
	}
	a.checkOutcomes(a.m.store.History())
	if a.movedRun {
		a.liveRuns(started)
		a.launches()
	}
	a.deadlines(w)
	if w.single {
		a.sends(w)
	}
}

func (a *auditor) answered(r engine.Reply) {
	known, again := a.answers[r.Request]
	if !again || r.Answer.At-known.At >= task.RequestsKept {
		a.answers[r.Request] = r.Answer
		return
	}
	if !reflect.DeepEqual(known, r.Answer) {
		a.m.broken("request %s got the answer %+v, then %+v", short(r.Request), known, r.Answer)
	}
}

func (a *auditor) put(r engine.Record) {
	switch r := r.(type) {
	case engine.Registration:
		if a.book(r.TaskID).gone {
			a.m.broken("registration %s is back", r.Spec.Name)
		}
		a.book(r.TaskID).name = r.Spec.Name
	case engine.Ledger:
		a.touched[r.TaskID] = true
		a.phase(r)
	case engine.Occurrence:
		a.touched[r.TaskID] = true
	case engine.Run:
		a.movedRun = true
		a.run(r)
	case engine.Launch:
		a.movedRun = true
		if _, known := a.tokens[r.Token]; !known && r.State != engine.ServerLaunching {
			a.m.broken("launch %s begins as %v", short(task.GUID(r.Token)), r.State)
		} else if known && !a.tokens[r.Token] {
			a.m.broken("launch %s is back", short(task.GUID(r.Token)))
		}
		a.tokens[r.Token] = true
		a.up[r.Token] = a.up[r.Token] || r.State == engine.ServerUp
	}
}

func (a *auditor) deleted(r engine.Record) {
	switch r := r.(type) {
	case engine.Registration:
		a.book(r.TaskID).gone = true
	case engine.Occurrence:
		a.touched[r.TaskID] = true
	case engine.Run:
		a.movedRun = true
		if b := a.runs[r.ID]; b != nil {
			b.deleted = true
		}
	case engine.Launch:
		a.movedRun = true
		a.tokens[r.Token] = false
	}
}

// phase starts the count of grid points again when the trigger was changed, or with the
// clock of a new machine.
func (a *auditor) phase(l engine.Ledger) {
	if b := a.book(l.TaskID); b.grid != l.Grid {
		b.grid, b.byTimer, b.missed = l.Grid, 0, 0
	}
}

func (a *auditor) run(r engine.Run) {
	b := a.runs[r.ID]
	if b == nil {
		b = &runBook{task: r.TaskID, since: -1, failing: -1, key: a.m.store.regs[r.TaskID].Spec.Exclusive}
		a.runs[r.ID] = b
	}
	if b.deleted || b.ended {
		a.m.broken("run %s has ended and is written again", short(r.ID))
	}
	b.state, b.token, b.host = r.State, r.Token, r.Host
	if canceled := r.CancelAt > 0; canceled && !b.canceled {
		b.canceled, b.since = true, a.m.spent
	}
}

// event takes an entry of history.
func (a *auditor) event(ev task.Event) {
	b := a.book(ev.TaskID)
	switch ev.Kind {
	case task.EventFired:
		if b.by = ev.Text; ev.Text == "by its timer" {
			b.byTimer++
		}
	case task.EventMissed:
		b.missed += ev.Missed.Count
	case task.EventStarting:
		a.started(b, *ev.Run)
	case task.EventEnded:
		a.ended(b, *ev.Run)
	case task.EventOccurrence:
		n := ev.Occurrence.Number
		if end, twice := b.ends[n]; twice {
			a.m.broken("occurrence %d of %s ended %v, and now %v", n, ev.Name, end, ev.End)
		}
		b.ends[n] = ev.End
		b.ended += ev.Occurrence.Count
	}
}

func (a *auditor) started(b *taskBook, r task.Run) {
	n := r.Occurrence.Number
	if _, over := b.ends[n]; over {
		a.m.broken("occurrence %d of %s has ended and is run", n, r.Name)
	}
	a.rate(b, r)
	for id := range b.live {
		if a.truth[id].stray {
			a.m.broken("%s starts, and a stray instance of it runs", r.Name)
		}
	}
	if b.attempts[n]++; r.Attempt != b.attempts[n] {
		a.m.broken("occurrence %d of %s: attempt %d after %d", n, r.Name, r.Attempt, b.attempts[n]-1)
	}
}

// rate checks that edges do not start a task too often; otherwise a task could trigger
// itself without end.
func (a *auditor) rate(b *taskBook, r task.Run) {
	spec := a.m.store.regs[r.TaskID].Spec
	switch spec.Trigger.(type) {
	case task.SystemTrigger, task.StorageLibraryContentChangedTrigger:
	default:
		return
	}
	if spec.Queue > 0 || b.by == "by hand" || b.by == "by the update of its package" {
		return
	}
	now := a.m.store.clock.Base + a.m.now.Boot
	b.byEdges = slices.DeleteFunc(append(b.byEdges, now), func(at time.Duration) bool { return at <= now-task.RateWindow })
	if n := len(b.byEdges); n > task.StartsByEdges {
		a.m.broken("%s was started %d times by edges within a minute", r.Name, n)
	}
}

// ended checks the outcome of a run: it has only one, it comes when the code no longer
// runs, and it is true.
func (a *auditor) ended(b *taskBook, r task.Run) {
	rb := a.runs[r.ID]
	if rb == nil { // it began and ended in one step
		rb = &runBook{task: r.TaskID}
		a.runs[r.ID] = rb
	} else if rb.ended {
		a.m.broken("run %s of %s has a second outcome: %v", short(r.ID), r.Name, r.Outcome)
	}
	rb.ended = true
	t := a.truth[r.ID]
	if t != nil && t.lives && !t.lied {
		a.m.broken("run %s of %s ended %v, and its code runs in %v", short(r.ID), r.Name, r.Outcome, t.p.id)
	}
	if t != nil && r.Outcome == task.Crashed && r.Text == "" && t.p.signaledBy {
		a.m.broken("run %s of %s ended crashed, and the broker ended its process", short(r.ID), r.Name)
	}
	row, _ := r.Outcome.Row()
	switch {
	case r.Outcome == task.Canceled || r.Outcome == task.Crashed: // also without a result
	case row.ByHost:
		if t == nil || t.result == nil || t.result.Outcome != r.Outcome {
			a.m.broken("run %s of %s ended %v, which is not true", short(r.ID), r.Name, r.Outcome)
		}
	}
	if rb.canceled && r.Outcome != task.Completed && r.Outcome != task.Canceled && r.Outcome != task.TimedOut {
		a.m.broken("run %s of %s was canceled and ended %v", short(r.ID), r.Name, r.Outcome)
	}
	a.cancelInTime(r.ID, rb)
}

// brokerDied clears what only one life of the broker can know: the next one starts its
// deadlines again.
func (a *auditor) brokerDied() {
	for _, b := range a.runs {
		b.since, b.failing = -1, -1
	}
	for name := range a.known {
		if !task.Lasting(name) {
			delete(a.known, name)
		}
	}
	for _, t := range a.truth {
		t.stray = false
	}
	for _, b := range a.tasks {
		b.ghost = -1
	}
}
