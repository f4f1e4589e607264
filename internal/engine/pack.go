// Packages and their access status (SEMANTICS sections 6 and 7). A package groups what
// is limited, updated and removed together: registrations, hosts, slots and payloads.

package engine

import (
	"fmt"

	"github.com/bgtask/bgtask/task"
)

// pack is an installed package and what belongs to it.
type pack struct {
	Package
	isDirty     bool
	foldersGone bool // its folders are gone too
	regs        regSet
	names       map[string]*reg // the oldest registration of each name; younger ones follow as twins
	suspended   regSet
	hosts       []*host
	ready       []*reg
	live        int // runs that hold a slot
	payloads    int
	served      uint64 // when it was last given a start, in admissions
	entered     uint64 // order in which it became known
}

func (p *pack) dirtyBit() *bool { return &p.isDirty }
func (p *pack) write() Write {
	if p.foldersGone {
		return Delete{Package{Package: task.Package{Family: p.Family}}}
	}
	return Put{p.Package}
}

// add adds r after the registrations with the same name, so that the oldest stays
// first.
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

// drop removes r from the package and from the registrations of its name.
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

// newPack makes a package known.
func (e *Engine) newPack(rec Package) *pack {
	e.order++
	p := &pack{Package: rec, regs: regSet{}, names: map[string]*reg{}, suspended: regSet{}, entered: e.order}
	e.packages[rec.Family] = p
	return p
}

// imply adds the implied package of a program, unless it is known.
func (e *Engine) imply(ev Imply) Answer {
	if a, ok := e.checkPackage(ev.Package); !ok {
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

// cancelAll cancels every live run of a package.
func (e *Engine) cancelAll(p *pack, reason task.CancellationReason, final bool) {
	for _, r := range p.regs.sorted() {
		if r.run != nil {
			e.cancel(r.run, reason, final)
		}
		e.touch(r)
	}
}

// requestAccess turns an unspecified access status into the policy's default. It
// changes no other status: only the user can.
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

// setAccess sets the access status that the user chose.
func (e *Engine) setAccess(ev SetAccess) Answer {
	p := e.packages[ev.Package]
	if p == nil {
		return refuse(task.ErrNoPackage, ev.Package, "no such package is installed", "list them with 'bgtask packages'")
	}
	e.access(p, ev.Access)
	return Answer{Access: p.Access}
}

// access changes the access status of a package. When access is denied, live runs are
// canceled, and what is registered stays and is held, so that nothing is lost when
// access is allowed again.
func (e *Engine) access(p *pack, to task.AccessStatus) {
	if p.Access == to {
		return
	}
	p.Access = to
	e.mark(p)
	e.emit(nil, task.Event{Kind: task.EventPackage, Package: p.Family, Text: fmt.Sprintf("access: %v", to)})
	if !to.Allowed() {
		e.cancelAll(p, task.ReasonSystemPolicy, false)
	}
	for _, r := range p.regs.sorted() {
		e.touch(r)
	}
}
