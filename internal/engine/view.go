// What the engine shows: lists of tasks, packages, facts and sources. Views change
// nothing. They may be asked for between steps, so peek lets the clocks of the engine
// follow the machine's, without deciding anything.

package engine

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// Filter selects tasks: of one package or of all, and of groups. Without Groups it
// selects tasks that are in no group, unless All is set.
type Filter struct {
	Package string
	Groups  []string
	All     bool // of every group
}

// Tasks returns the selected registrations, ordered by package, name and age.
func (e *Engine) Tasks(now Instant, f Filter) []task.Info {
	var all []*reg
	if p := e.packages[f.Package]; p != nil {
		all = p.regs.sorted()
	} else if f.Package == "" {
		all = e.sortedRegs()
	}
	e.peek(now)
	infos := make([]task.Info, 0, len(all))
	for _, r := range all {
		if f.All || slices.Contains(f.Groups, r.Spec.Group) || len(f.Groups) == 0 && r.Spec.Group == "" {
			infos = append(infos, e.info(r))
		}
	}
	slices.SortStableFunc(infos, func(a, b task.Info) int {
		return cmp.Or(cmp.Compare(a.Package, b.Package), cmp.Compare(a.Spec.Name, b.Spec.Name))
	})
	return infos
}

// Task returns one registration.
func (e *Engine) Task(now Instant, id task.GUID) (task.Info, bool) {
	r := e.regs[id]
	if r == nil {
		return task.Info{}, false
	}
	e.peek(now)
	return e.info(r), true
}

// peek moves the clocks that views use, and nothing else. It ignores readings after a
// sleep, a step or a reboot: only a step of the engine decides what those mean.
func (e *Engine) peek(now Instant) {
	if now.ID == e.now.ID && now.Boot >= e.now.Boot && sameZone(now.Wall, e.now.Wall) && now.Wall.Sub(e.now.Wall) < now.Boot-e.now.Boot+stepNoticed &&
		now.Wall.Sub(e.now.Wall) > now.Boot-e.now.Boot-stepNoticed && now.Boot-e.now.Boot-(now.Awake-e.now.Awake) < stepNoticed {
		e.now = now
		e.clock.elapsed = e.clock.Base + now.Boot
	}
}

// info returns everything about a registration that users see.
func (e *Engine) info(r *reg) task.Info {
	i := task.Info{TaskID: r.id(), Package: r.pack.Family, Spec: r.Spec.whole(), Registered: e.shown(r.registered), State: e.state(r),
		LastRun: r.LastRun, Counts: r.Counts, Warnings: e.warnings(r), GridFrom: e.shown(r.GridWall)}
	if r.LastEnd.End != task.EndNone {
		end := r.LastEnd
		i.LastEnd = &end
	}
	if cs, ok := e.classServer(r); ok {
		i.Server, i.Declared = commandLine(cs), cs.Declared
	}
	return i
}

// commandLine formats the command of a class server.
func commandLine(cs task.ClassServer) string {
	s := cs.Executable
	for _, a := range cs.Arguments {
		s += " " + a
	}
	return s
}

// Groups returns the groups of a package, sorted.
func (e *Engine) Groups(pkg string) []string {
	set := map[string]bool{}
	if p := e.packages[pkg]; p != nil {
		for r := range p.regs {
			if r.Spec.Group != "" {
				set[r.Spec.Group] = true
			}
		}
	}
	return sortedKeys(set)
}

// Packages returns all packages, ordered by family name.
func (e *Engine) Packages() []task.Package {
	all := make([]task.Package, 0, len(e.packages))
	for _, family := range sortedKeys(e.packages) {
		all = append(all, e.packages[family].Package.Package)
	}
	return all
}

// Sources returns the states that the sources reported about themselves, ordered by
// name.
func (e *Engine) Sources() []task.SourceState {
	all := make([]task.SourceState, 0, len(e.sources))
	for _, name := range sortedKeys(e.sources) {
		all = append(all, *e.sources[name])
	}
	return all
}

// Facts returns all facts, ordered by name.
func (e *Engine) Facts(now Instant) []task.Fact {
	e.peek(now)
	users := e.factUsers()
	all := make([]task.Fact, 0, len(e.facts))
	for _, name := range sortedKeys(e.facts) {
		v := e.factView(e.facts[name])
		v.UsedBy = users[name]
		all = append(all, v)
	}
	return all
}

// usersShown limits the tasks that are shown for each fact.
const usersShown = 8

// factUsers returns the tasks that depend on each fact.
func (e *Engine) factUsers() map[string][]string {
	users := map[string][]string{}
	for _, r := range e.sortedRegs() {
		for _, name := range r.Spec.whole().Facts() {
			if len(users[name]) < usersShown {
				users[name] = append(users[name], r.pack.Family+"/"+r.Spec.Name)
			}
		}
	}
	for _, u := range users {
		slices.Sort(u)
	}
	return users
}

// factView returns a fact as users see it.
func (e *Engine) factView(f *fact) task.Fact {
	v := f.reported
	v.Name, v.Value, v.Since, v.Cause = f.name, f.value(), f.since, f.cause()
	if f.source != nil && v.Source == "" {
		v.Source = f.source.Name
	}
	if v.Detail == "" && f.source != nil && !v.Value.Known() {
		v.Detail = f.source.Detail
	}
	if f.override != nil {
		v.Overridden, v.Real = true, f.reported.Value
		if f.until > 0 {
			v.Until = e.wallAt(f.until)
		}
	}
	return v
}

// byWhat says what made an occurrence fire, as a phrase after "by".
func (e *Engine) byWhat(r *reg, o *occ) string {
	switch o.By {
	case ByTimer:
		return "its timer"
	case ByCalendar:
		return "its calendar"
	case ByEvent:
		if t, ok := r.Spec.Trigger.(task.CustomSystemEventTrigger); ok {
			return fmt.Sprintf("event %q", t.ID)
		}
	case ByApplication:
		return "the application"
	case ByHand:
		return "hand"
	case ByServicing:
		return "the update of its package"
	case ByEdge:
		if t, ok := r.Spec.Trigger.(task.SystemTrigger); ok {
			return t.Type.String()
		}
	}
	return "its trigger"
}
