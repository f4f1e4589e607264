// Facts, their sources, and the edges between two known values (SEMANTICS sections 2
// and 3). "unknown" is not "no": a change from unknown to yes is not an edge, while no,
// unknown, yes is one. All facts of a batch are set before any of their edges fires, so
// that a trigger on a fact with a condition on the same fact starts. Facts change only
// here. A fact never starts or cancels a run itself; it touches the registrations that
// use it.

package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/bgtask/bgtask/task"
)

// fact is one fact: what its source reports, and the value that overrides it in a test.
type fact struct {
	name     string
	reported task.Fact     // by its source; Value is Unknown if there was no report
	last     task.Value    // the last known value: edges lie between known values
	changed  time.Duration // elapsed, of the effective value
	since    time.Time
	override *task.Value
	until    time.Duration // elapsed, end of the override; 0: none
	gone     bool          // its source is gone: the value becomes unknown after a grace
	lose     time.Duration // elapsed, end of that grace
	source   *task.SourceState
	users    regSet // registrations with a pending or live occurrence and a condition on it
	timer    timer
	isDirty  bool
}

func (f *fact) dirtyBit() *bool { return &f.isDirty }
func (f *fact) write() Write    { return Put{LastingFact{Name: f.name, Value: f.last}} }

// value returns the value that conditions and triggers see.
func (f *fact) value() task.Value {
	if f.override != nil {
		return *f.override
	}
	return f.reported.Value
}

// cause says why the value is unknown.
func (f *fact) cause() task.Cause {
	switch {
	case f.value().Known():
		return task.CauseNone
	case f.source == nil || f.source.Status == task.SourceNotHere:
		return task.CauseNoSource
	case f.source.Status == task.SourceGone:
		return task.CauseSourceGone
	case f.source.Status == task.SourceUp:
		return task.CauseSourceUnsure
	}
	return task.CauseSourceStarting
}

// fact returns the fact with the name, and adds it if it is new.
func (e *Engine) fact(name string) *fact {
	f := e.facts[name]
	if f == nil {
		f = &fact{name: name, users: regSet{}, since: e.now.Wall, changed: e.clock.elapsed}
		f.timer.owner = f
		e.facts[name] = f
	}
	return f
}

// due ends the grace of a fact whose source is gone, and an override whose time is
// over.
func (f *fact) due(e *Engine) {
	if f.gone && e.clock.elapsed >= f.lose {
		f.gone = false
		e.change(f, func() { f.reported.Value = task.Unknown })
	}
	if f.override != nil && f.until > 0 && e.clock.elapsed >= f.until {
		e.change(f, func() { f.override, f.until = nil, 0 })
	}
	e.armFact(f)
}

// armFact sets the fact's timer to its next deadline.
func (e *Engine) armFact(f *fact) {
	var at time.Duration
	if f.gone {
		at = f.lose
	}
	e.elapsed.arm(&f.timer, earlier(at, f.until))
}

// edge is a change of a fact between two known values.
type edge struct {
	fact     *fact
	old, new task.Value
}

// setFact changes a fact by calling set, and returns the edge if the change is one. It
// fires nothing: all facts of a batch are set before their edges fire.
func (e *Engine) setFact(f *fact, set func()) (edge, bool) {
	before := f.value()
	set()
	after := f.value()
	if after == before {
		return edge{}, false
	}
	f.since, f.changed = e.now.Wall, e.clock.elapsed
	// The energy saver holds tasks that do not name it as a condition.
	if f.name == task.FactEnergySaver {
		e.touchAll()
	}
	for _, r := range f.users.sorted() {
		e.touch(r)
	}
	shown := e.factView(f)
	e.notify(nil, task.Event{Kind: task.EventFact, Fact: &shown, Old: before})
	if !after.Known() {
		return edge{}, false
	}
	// The edge is between the last known value and this one: an unknown time in between
	// does not hide a change.
	ed := edge{fact: f, old: f.last, new: after}
	f.last = after
	if task.Lasting(f.name) && f.override == nil {
		e.mark(f)
	}
	return ed, ed.old.Known() && ed.old != ed.new
}

// change changes a single fact and fires its edge.
func (e *Engine) change(f *fact, set func()) {
	if ed, ok := e.setFact(f, set); ok {
		e.fireEdge(ed)
	}
}

// factsReported takes a report: first all facts are set, then their edges fire.
func (e *Engine) factsReported(ev FactsReported) {
	var edges []edge
	for _, reported := range ev.Facts {
		if e.facts[reported.Name] == nil && len(e.facts) >= task.MaxFacts || len(reported.Name) > task.MaxName || len(reported.Value) > task.MaxFactValue {
			continue // the broker has already refused these with an error
		}
		f := e.fact(reported.Name)
		reported.Source = ev.Source
		if st := e.sources[ev.Source]; st != nil {
			f.source = st
		} else {
			f.source = e.addSource(ev.Source)
		}
		f.gone = false
		e.armFact(f)
		if ed, ok := e.setFact(f, func() { f.reported = reported }); ok {
			edges = append(edges, ed)
		}
	}
	for _, ed := range edges {
		e.fireEdge(ed)
	}
}

// addSource adds a source that reported facts before its own state.
func (e *Engine) addSource(name string) *task.SourceState {
	st := &task.SourceState{Name: name, Status: task.SourceUp}
	e.sources[name] = st
	return st
}

// fireEdge queues a firing for every registration that the edge fires, in the order of
// registering. Those that exceed the limit of this step follow in the next.
func (e *Engine) fireEdge(ed edge) {
	if ed.fact.name == task.FactSession && ed.new == task.Connected {
		e.clock.Login++
		e.mark(&e.clock)
	}
	for _, row := range task.SystemTriggerTypes() {
		if row.Fact != ed.fact.name || !row.Type.Fires(ed.old, ed.new) {
			continue
		}
		for _, r := range e.edges[row.Type].sorted() {
			if e.armed(r) {
				e.todo = append(e.todo, work{r, &firing{by: ByEdge, details: task.SystemTriggerDetails{Type: row.Type, Old: ed.old, New: ed.new}}})
			}
		}
	}
}

// touchAll touches every registration with a pending occurrence.
func (e *Engine) touchAll() {
	all := regSet{}
	for _, r := range e.regs {
		if len(r.pending) > 0 {
			all[r] = struct{}{}
		}
	}
	for _, r := range all.sorted() {
		e.touch(r)
	}
}

// sourceChanged takes a source's new state. The facts of a source that is gone become
// unknown after a grace, so that a restarting service cancels nothing.
func (e *Engine) sourceChanged(ev SourceChanged) {
	st := e.sources[ev.State.Name]
	if st == nil {
		st = e.addSource(ev.State.Name)
	}
	held := e.energySaverPending()
	*st = ev.State
	if held != e.energySaverPending() {
		defer e.touchAll()
	}
	for _, name := range ev.State.Facts {
		f := e.fact(name)
		if f.source == nil || f.source.Status == task.SourceNotHere || f.reported.Source == st.Name {
			f.source = st
		}
		if f.source.Status == task.SourceNotHere {
			f.source = e.nextSource(f)
		}
		if f.source != st || !f.reported.Value.Known() {
			continue
		}
		switch ev.State.Status {
		case task.SourceGone, task.SourceNotHere:
			if !f.gone {
				f.gone, f.lose = true, e.clock.elapsed+task.SourceGrace
			}
		}
		e.armFact(f)
	}
}

// nextSource returns a starting source that may still report a fact whose own source is
// not on this machine, or that own source if there is none.
func (e *Engine) nextSource(f *fact) *task.SourceState {
	for _, name := range sortedKeys(e.sources) {
		if st := e.sources[name]; st.Status == task.SourceStarting && slices.Contains(st.Facts, f.name) {
			return st
		}
	}
	return f.source
}

// energySaverPending reports whether the energy saver's state is still unknown because
// its source is starting.
func (e *Engine) energySaverPending() bool {
	f := e.facts[task.FactEnergySaver]
	return f != nil && f.cause() == task.CauseSourceStarting
}

// sourceOf returns the source that feeds a trigger, or nil if none is known or needed.
func (e *Engine) sourceOf(t task.Trigger) *task.SourceState {
	if st, ok := t.(task.SystemTrigger); ok {
		row, _ := st.Type.Row()
		if f := e.facts[row.Fact]; row.Fact != "" && f != nil && !f.value().Known() {
			return f.source
		}
		return nil
	}
	for _, st := range e.sources {
		for _, class := range st.Triggers {
			if class == t.Class() {
				return st
			}
		}
	}
	return nil
}

// overrideFact sets a fact for testing. The value counts as real: it is an edge, and it
// meets conditions.
func (e *Engine) overrideFact(ev OverrideFact) Answer {
	if ev.Name == "" || len(ev.Name) > task.MaxName || len(ev.Value) > task.MaxFactValue {
		return refuse(task.ErrInvalid, ev.Name, "a fact has a name of at most 256 bytes and a value of at most 1 KiB", "")
	}
	if e.facts[ev.Name] == nil && len(e.facts) >= task.MaxFacts {
		return refuse(task.ErrLimit, ev.Name, fmt.Sprintf("there are already %d facts, which is the limit", task.MaxFacts), "")
	}
	f := e.fact(ev.Name)
	e.change(f, func() {
		f.override, f.until = &ev.Value, 0
		if ev.For > 0 {
			f.until = e.clock.elapsed + ev.For
		}
	})
	e.armFact(f)
	return Answer{}
}

// clearOverride ends overrides. All facts are set before any edge fires, as in a
// report.
func (e *Engine) clearOverride(ev ClearOverride) Answer {
	var edges []edge
	for _, name := range sortedKeys(e.facts) {
		f := e.facts[name]
		if f.override == nil || ev.Name != "" && ev.Name != name {
			continue
		}
		if ed, ok := e.setFact(f, func() { f.override, f.until = nil, 0 }); ok {
			edges = append(edges, ed)
		}
		e.armFact(f)
	}
	for _, ed := range edges {
		e.fireEdge(ed)
	}
	return Answer{}
}
