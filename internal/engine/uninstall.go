// Uninstalling (SEMANTICS section 6). A package disappears in stages: its runs are
// canceled, its registrations go with the last of them, its launched processes are
// ended, then its folders are removed. Its row stays until the folders are gone, so
// that a broker that dies in between continues.

package engine

import (
	"slices"

	"github.com/bgtask/bgtask/task"
)

// uninstall cancels live runs and ends what is pending as Removed. The package is
// removed once its last process has exited.
func (e *Engine) uninstall(ev Uninstall) Answer {
	p := e.packages[ev.Package]
	if p == nil || p.Family == task.CommandPackage {
		return refuse(task.ErrNoPackage, ev.Package, "no such package is installed", "list them with 'bgtask packages'")
	}
	if p.Origin == task.OriginSystem && !ev.System {
		return refuse(task.ErrAccessDenied, p.Family, "it is installed by the system, in "+p.Folder,
			"remove it with the system's package manager, or block its tasks with 'bgtask access "+p.Family+" deny'")
	}
	if p.Removing || p.Origin != task.OriginSystem && ev.System {
		return Answer{}
	}
	p.Removing, p.KeepData = true, ev.KeepData || ev.System
	e.mark(p)
	e.emit(nil, task.Event{Kind: task.EventPackage, Package: p.Family, Text: "removing"})
	for _, r := range p.regs.sorted() {
		if r.run != nil {
			e.cancel(r.run, task.ReasonUninstall, true)
		}
		if r.State != RegGone { // one that is being removed goes with its run
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

// packageWhenDone removes a package that is to go, once no registration and no launch
// of it is left. A process that the user started may stay; it has no runs and gets
// none.
func (e *Engine) packageWhenDone(p *pack) {
	if p == nil || !p.Removing || p.Gone || len(p.regs) > 0 {
		return
	}
	for _, l := range e.launches {
		if l.Package == p.Family {
			e.endIdle(p, anyEdition)
			return
		}
	}
	p.Gone = true
	for _, h := range slices.Clone(p.hosts) {
		e.do(DropHost{h.id, "its package was removed"})
		e.hostGone(h, Exit{})
	}
	delete(e.packages, p.Family)
	e.mark(p)
	e.removeFolders(p)
	e.emit(nil, task.Event{Kind: task.EventPackage, Package: p.Family, Text: "removed"})
}

// endIdle ends the launched servers of the editions that over selects, if they have no
// run: they get none any more.
func (e *Engine) endIdle(p *pack, over func(edition uint64) bool) {
	for _, h := range slices.Clone(p.hosts) {
		if !h.token.IsZero() && over(h.edition) && len(h.runs) == 0 && (h.state == HostAttached || h.state == HostDetached) {
			e.endHost(h)
		}
	}
	for _, token := range sortedTokens(e.launches) {
		if l := e.launches[token]; l.Package == p.Family && over(l.Edition) && l.State == ServerLaunching && len(e.waiters(l)) == 0 {
			e.failLaunch(l, ending{})
			e.endLaunch(l)
		}
	}
}

// outdated reports whether edition is an earlier one. Its processes get no activation,
// and its folder must stay until they are gone.
func (p *pack) outdated(edition uint64) bool { return edition != p.Edition }

// anyEdition selects every edition, when the package is to go.
func anyEdition(uint64) bool { return true }

// removeFolders asks for the removal of the folders of a removed package.
func (e *Engine) removeFolders(p *pack) {
	e.leftovers[p.Family] = p
	e.do(RemoveFolders{Package: p.Package.Package, KeepData: p.KeepData})
}

// foldersRemoved deletes the row of a removed package.
func (e *Engine) foldersRemoved(ev FoldersRemoved) {
	if p := e.leftovers[ev.Package]; p != nil {
		delete(e.leftovers, ev.Package)
		p.foldersGone = true
		e.mark(p)
	}
}
