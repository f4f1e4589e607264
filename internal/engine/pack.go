package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// pack is an installed package and what belongs to it.
type pack struct {
	Package
	isDirty   bool
	gone      bool
	regs      regSet
	names     map[string]*reg // the oldest of each name, with its twins
	suspended regSet
	hosts     []*host
	line      []*reg
	live      int // runs that count
	payloads  int
	served    uint64 // when it was last admitted a run
	entered   uint64 // order of becoming known
}

func (p *pack) dirtyBit() *bool { return &p.isDirty }
func (p *pack) write() Write {
	if p.gone {
		return Delete{Package{Package: task.Package{Family: p.Family}}}
	}
	return Put{p.Package}
}

func (p *pack) add(r *reg) {
	p.regs[r] = struct{}{}
	first := p.names[r.Spec.Name]
	if first == nil {
		p.names[r.Spec.Name] = r
		return
	}
	for first.twin != nil {
		first = first.twin
	}
	first.twin = r
}

func (p *pack) drop(r *reg) {
	delete(p.regs, r)
	delete(p.suspended, r)
	name := r.Spec.Name
	switch first := p.names[name]; {
	case first != r:
		for first.twin != r {
			first = first.twin
		}
		first.twin = r.twin
	case r.twin != nil:
		p.names[name] = r.twin
	default:
		delete(p.names, name)
	}
	r.twin = nil
}

func (e *Engine) newPack(rec Package) *pack {
	e.order++
	p := &pack{Package: rec, regs: regSet{}, names: map[string]*reg{}, suspended: regSet{}, entered: e.order}
	e.packages[rec.Family] = p
	return p
}

// install adds a package, or updates the one of its family.
func (e *Engine) install(ev Install) Answer {
	if a, ok := checkPackage(ev.Package); !ok {
		return a
	}
	p := e.packages[ev.Package.Family]
	if p != nil && p.Removing {
		return refuse(task.ErrConflict, p.Family, "the package is being removed", "try again when its last process is gone")
	}
	if p == nil {
		p = e.newPack(Package{Package: ev.Package})
		p.Access = e.cfg.Policy.DefaultAccess
		e.mark(p)
		e.tell(nil, task.Event{Kind: task.EventPackage, Package: p.Family, Text: strings.TrimSpace("installed " + p.Version)})
		return Answer{Change: Added, Access: p.Access}
	}
	e.updatePackage(p, ev.Package)
	return Answer{Change: Updated, Access: p.Access}
}

func checkPackage(p task.Package) (Answer, bool) {
	if p.Family == "" || len(p.Family) > task.MaxName {
		return refuse(task.ErrInvalid, p.Family, "a package has a family name of at most 256 bytes", ""), false
	}
	if p.Family == task.CommandPackage {
		return refuse(task.ErrConflict, p.Family, "this name belongs to command tasks", ""), false
	}
	return Answer{}, true
}

// imply makes the implied package of a program known, or brings it up to date.
func (e *Engine) imply(ev Imply) Answer {
	if a, ok := checkPackage(ev.Package); !ok {
		return a
	}
	p := e.packages[ev.Package.Family]
	if p == nil {
		p = e.newPack(Package{Package: ev.Package})
		p.Implied, p.Access = true, e.cfg.Policy.DefaultAccess
		e.mark(p)
		return Answer{Change: Added, Access: p.Access}
	}
	return Answer{Access: p.Access}
}

// updatePackage: live runs of the old version end, nothing of it starts meanwhile,
// its processes get no activation after; then ServicingComplete fires.
func (e *Engine) updatePackage(p *pack, to task.Package) {
	to.Access, to.LocalFolder = p.Access, keep(to.LocalFolder, p.LocalFolder)
	if !p.Servicing {
		p.Old = p.Version
	}
	p.Package.Package = to
	p.Servicing = true
	e.mark(p)
	e.tell(nil, task.Event{Kind: task.EventPackage, Package: p.Family, Text: strings.TrimSpace("updating to " + to.Version)})
	e.cancelAll(p, task.ReasonServicingUpdate, false)
	e.serviceWhenDone(p)
}

func keep(s, old string) string {
	if s == "" {
		return old
	}
	return s
}

func (e *Engine) cancelAll(p *pack, reason task.CancellationReason, final bool) {
	for _, r := range p.regs.sorted() {
		if r.run != nil {
			e.cancel(r.run, reason, final)
		}
		e.touch(r)
	}
}

// serviceWhenDone ends an update once no run of the package is live.
func (e *Engine) serviceWhenDone(p *pack) {
	if !p.Servicing || p.hasRuns() {
		return
	}
	p.Servicing = false
	e.mark(p)
	e.tell(nil, task.Event{Kind: task.EventPackage, Package: p.Family, Text: strings.TrimSpace("updated to " + p.Version)})
	for _, r := range p.regs.sorted() {
		switch {
		case r.State == Removing:
		case !p.Declares(r.Spec.EntryPoint):
			if r.State == Active {
				e.suspend(r, ByNoClass, "class "+r.Spec.EntryPoint.String()+" is no longer declared by "+p.Family)
			}
			continue
		case r.State == Suspended:
			e.unsuspend(r, "its package was updated")
		}
		if t, ok := r.Spec.Trigger.(task.SystemTrigger); ok && t.Type == task.OnServicingComplete && e.armed(r) {
			e.todo = append(e.todo, work{r, &firing{by: ByServicing, details: task.SystemTriggerDetails{Type: t.Type, Old: task.Value(p.Old), New: task.Value(p.Version)}}})
		}
		e.touch(r)
	}
	e.line.stale = true
}

func (p *pack) hasRuns() bool {
	for r := range p.regs {
		if r.run != nil {
			return true
		}
	}
	return false
}

// uninstall: live runs are cancelled, what is pending ends Removed, and the
// package goes when its last process is gone.
func (e *Engine) uninstall(ev Uninstall) Answer {
	p := e.packages[ev.Package]
	if p == nil || p.Family == task.CommandPackage {
		return refuse(task.ErrNoPackage, ev.Package, "no such package is installed", "'bgtask packages' shows all")
	}
	if p.Removing {
		return Answer{}
	}
	p.Removing, p.KeepData = true, ev.KeepData
	e.mark(p)
	e.tell(nil, task.Event{Kind: task.EventPackage, Package: p.Family, Text: "removing"})
	for _, r := range p.regs.sorted() {
		if r.run != nil {
			e.cancel(r.run, task.ReasonUninstall, true)
		}
		if r.State != Gone { // one that was being removed goes with its run
			e.remove(r, false)
		}
	}
	for _, h := range slices.Clone(p.hosts) {
		if !h.token.IsZero() && len(h.runs) == 0 && h.state != HostLeaving {
			e.endHost(h)
		}
	}
	e.packageWhenDone(p)
	return Answer{}
}

// packageWhenDone removes a package that is to go, once nothing of it lives. A
// process that the user started may stay: it has no runs and gets none.
func (e *Engine) packageWhenDone(p *pack) {
	if p == nil || !p.Removing || p.gone || len(p.regs) > 0 {
		return
	}
	for _, l := range e.launches {
		if l.Package == p.Family {
			e.endIdleHosts(p)
			return
		}
	}
	p.gone = true
	for _, h := range slices.Clone(p.hosts) {
		e.do(DropHost{h.id, "its package was removed"})
		e.hostGone(h, Exit{})
	}
	delete(e.packages, p.Family)
	e.mark(p)
	e.do(RemoveFolders{Package: p.Package.Package, KeepData: p.KeepData})
	e.tell(nil, task.Event{Kind: task.EventPackage, Package: p.Family, Text: "removed"})
}

// endIdleHosts ends the launched servers of a package that is to go as soon as
// they have no run.
func (e *Engine) endIdleHosts(p *pack) {
	for _, h := range slices.Clone(p.hosts) {
		if !h.token.IsZero() && len(h.runs) == 0 && (h.state == HostAttached || h.state == HostDetached) {
			e.endHost(h)
		}
	}
	for _, token := range sortedTokens(e.launches) {
		if l := e.launches[token]; l.Package == p.Family && l.State == Launching && len(e.waiters(l)) == 0 {
			e.failLaunch(l, ending{})
			e.endLaunch(l)
		}
	}
}

func (e *Engine) requestAccess(ev RequestAccess) Answer {
	p := e.packages[ev.Caller.Package]
	if p == nil {
		return refuse(task.ErrNoPackage, ev.Caller.Package, "no such package is installed", "bgtask install DIR")
	}
	if p.Access == task.AccessUnspecified {
		e.access(p, e.cfg.Policy.DefaultAccess)
	}
	return Answer{Access: p.Access}
}

func (e *Engine) setAccess(ev SetAccess) Answer {
	p := e.packages[ev.Package]
	if p == nil {
		return refuse(task.ErrNoPackage, ev.Package, "no such package is installed", "'bgtask packages' shows all")
	}
	e.access(p, ev.Access)
	return Answer{Access: p.Access}
}

// access: what was registered before stays and is held; nothing is lost when it is
// allowed again.
func (e *Engine) access(p *pack, to task.AccessStatus) {
	if p.Access == to {
		return
	}
	p.Access = to
	e.mark(p)
	e.tell(nil, task.Event{Kind: task.EventPackage, Package: p.Family, Text: fmt.Sprintf("access: %v", to)})
	if !to.Allowed() {
		e.cancelAll(p, task.ReasonSystemPolicy, false)
	}
	for _, r := range p.regs.sorted() {
		e.touch(r)
	}
}
