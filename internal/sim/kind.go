// The end of a history. The world turns kind: processes work, conditions hold, access
// is allowed. Then everything that was accepted must end, and when everything is
// removed, nothing may be left in the store or in the engine.

package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// turnKind makes the world kind, waits for everything to end, and removes it.
func (m *machine) turnKind() {
	m.printf("-- the world turns kind")
	m.kind, m.crash = true, crashPlan{}
	m.start()
	m.advance(time.Minute)
	for _, p := range m.living() {
		p.heal()
		if p.token.IsZero() {
			p.die("exit 0") // the user closes what does not respond
		}
	}
	for _, f := range families {
		m.user.install(f)
		m.user.ask(engine.SetAccess{Request: m.newID(), Package: f, Access: task.AlwaysAllowed})
	}
	m.user.ask(engine.ClearOverride{Request: m.newID()})
	m.pump()
	m.restored()
	before := m.unended()
	for range mostSides {
		if m.err == nil && len(before) > 0 {
			m.side(m.wanted(before), before)
		}
	}
	for key := range before {
		if m.err == nil {
			m.broken("%s: occurrence %d, first of %d, never ended: %s", m.audit.book(key.task).name, before[key].Number, key.first, m.why(key.task))
		}
	}
	m.removeAll()
}

func (m *machine) why(id task.GUID) string {
	if m.b == nil {
		return "no broker"
	}
	x, _ := m.b.engine.Why(m.now, id)
	return x.String()
}

type occKey struct {
	task  task.GUID
	first uint64
}

func (m *machine) unended() map[occKey]engine.Occurrence {
	all := map[occKey]engine.Occurrence{}
	for id, occs := range m.store.occs {
		for first, o := range occs {
			all[occKey{id, first}] = o
		}
	}
	return all
}

// mostSides is how often the facts change for those that wait for others: conditions
// of one registration can all hold, and those of two may exclude each other.
const mostSides = 8

// wanted returns facts with which the conditions of as many open occurrences as possible
// hold. The others wait for another side.
func (m *machine) wanted(open map[occKey]engine.Occurrence) map[string]task.Value {
	facts := map[string]task.Value{}
	for _, r := range values(m.store.regs, compareIDs) {
		waits := func(key occKey) bool { return key.task == r.TaskID }
		if slices.ContainsFunc(slices.Collect(maps.Keys(open)), waits) {
			if more, ok := withNeeds(facts, task.AllConditions(r.Spec.Trigger, r.Spec.Conditions)); ok {
				facts = more
			}
		}
	}
	return facts
}

// withNeeds adds what the conditions need to facts; false when they contradict.
func withNeeds(facts map[string]task.Value, conditions []task.Condition) (map[string]task.Value, bool) {
	all := maps.Clone(facts)
	for _, c := range conditions {
		for _, need := range c.Needs() {
			met := func(v task.Value) bool { return need.Met(v) }
			if v, taken := all[need.Fact]; taken && !met(v) {
				return nil, false
			} else if !taken {
				i := slices.IndexFunc(menu(need.Fact), met)
				if i < 0 {
					return nil, false
				}
				all[need.Fact] = menu(need.Fact)[i]
			}
		}
	}
	return all, true
}

// side gives the facts these values for long enough, and removes what has ended from
// open.
func (m *machine) side(facts map[string]task.Value, open map[occKey]engine.Occurrence) {
	for _, s := range m.sources {
		s.settle(facts)
	}
	m.pump()
	for range 8 {
		m.startApps()
		for _, l := range values(m.store.ledgers, compareIDs) {
			if l.State == engine.RegSuspended {
				m.user.ask(engine.Resume{Request: m.newID(), Caller: all, TaskID: l.TaskID})
			}
		}
		m.advance(25 * time.Minute)
		for key := range open {
			if _, there := m.store.occs[key.task][key.first]; !there {
				delete(open, key)
			}
		}
		if m.err != nil || len(open) == 0 {
			return
		}
	}
}

// startApps opens an application for classes that no server serves, and closes
// applications of an old version.
func (m *machine) startApps() {
	for _, p := range m.living() {
		if p.token.IsZero() && p.pack == "app" {
			p.do(p.quit)
		}
	}
	p := m.newProcess("app", task.LaunchToken{})
	p.objects = []engine.Object{{CLSID: class('F')}}
	p.connect()
}

// removeAll removes everything and checks that nothing stays in the engine.
func (m *machine) removeAll() {
	if m.err != nil {
		return
	}
	for _, r := range values(m.store.regs, compareIDs) {
		m.user.ask(engine.Unregister{Request: m.newID(), Caller: all, TaskID: r.TaskID, Cancel: true})
	}
	for _, f := range families {
		m.user.ask(engine.Uninstall{Request: m.newID(), Package: f})
	}
	m.pump()
	for _, p := range m.living() {
		if p.token.IsZero() {
			p.do(p.quit)
		}
	}
	m.advance(5 * time.Minute)
	if m.err != nil {
		return
	}
	if n := len(m.store.regs) + len(m.store.ledgers) + len(m.store.occs) + len(m.store.runs) + len(m.store.launches); n > 0 {
		m.broken("everything is removed, but the store has %d registrations, %d ledgers, %d occurrences, %d runs, %d launches",
			len(m.store.regs), len(m.store.ledgers), len(m.store.occs), len(m.store.runs), len(m.store.launches))
	}
	m.leaks()
}

// kept are the fields of an engine that may keep something when everything is removed:
// a day of requests, and what is known of facts and sources.
var kept = []string{"cfg", "packages", "facts", "sources", "edges", "answers", "clock", "out"}

// leaks looks into the engine for maps and lists that still hold something that was
// removed.
func (m *machine) leaks() {
	v := reflect.ValueOf(m.b.engine).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if slices.Contains(kept, name) {
			continue
		}
		if n := held(v.Field(i)); n > 0 {
			m.broken("everything is removed, but the engine's %s still holds %d", name, n)
		}
	}
	facts := v.FieldByName("facts")
	for it := facts.MapRange(); it.Next(); {
		if n := it.Value().Elem().FieldByName("users").Len(); n > 0 {
			m.broken("everything is removed, but fact %s still has %d users", it.Key(), n)
		}
	}
	for it := v.FieldByName("edges").MapRange(); it.Next(); {
		if it.Value().Len() > 0 {
			m.broken("everything is removed, but an edge still has users")
		}
	}
}

func held(v reflect.Value) (n int) {
	switch v.Kind() {
	case reflect.Map, reflect.Slice:
		return v.Len()
	case reflect.Struct:
		for i := range v.NumField() {
			n += held(v.Field(i))
		}
	}
	return n
}

// restored checks that an engine restored from the store equals the live one.
func (m *machine) restored() {
	b := m.b
	if b == nil || b.stops || m.err != nil || b.wake != 0 && b.wake <= m.now.Boot {
		return
	}
	m.subscriptions()
	again, _ := engine.Restore(m.now, m.cfg, m.load())
	filter := engine.Filter{All: true}
	have, want := again.Tasks(m.now, filter), b.engine.Tasks(m.now, filter)
	if len(have) != len(want) {
		m.broken("%d tasks were restored of %d", len(have), len(want))
		return
	}
	for i := range want {
		if r := have[i].LastRun; r != nil && r.Ended.Equal(m.now.Wall) {
			continue // it may start already: it knows no facts yet
		}
		if what := differ(durable(want[i]), durable(have[i])); what != "" {
			m.broken("after a restore, %s of %s differs: %s", want[i].Spec.Name, want[i].Package, what)
		}
	}
}

// differ names a field in which two tasks differ. Two times are equal if they are the
// same instant.
func differ(a, b task.Info) string {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		v, w := x.Field(i).Interface(), y.Field(i).Interface()
		if reflect.DeepEqual(v, w) {
			continue
		}
		t, isTime := v.(time.Time)
		if u, _ := w.(time.Time); isTime && t.Equal(u) {
			continue
		}
		return fmt.Sprintf("%s: %s, %s", x.Type().Field(i).Name, text(v), text(w))
	}
	return ""
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v", v)
	}
	return string(b)
}

// durable returns what of a task does not depend on connected hosts and on the facts.
// Whether an occurrence waits or is live does depend on them.
func durable(i task.Info) task.Info {
	i.Warnings = nil
	firings := i.State.Waiting
	if i.State.Run != nil {
		firings += i.State.Run.Occurrence.Count
	}
	i.State = task.State{Waiting: firings}
	return i
}
