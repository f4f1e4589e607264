package engine

import (
	"slices"

	"github.com/bgtask/bgtask/task"
)

// uninstall: live runs are cancelled, what is pending ends Removed, and the
// package goes when its last process is gone.
func (e *Engine) uninstall(ev Uninstall) Answer {
	p := e.packages[ev.Package]
	if p == nil || p.Family == task.CommandPackage {
		return refuse(task.ErrNoPackage, ev.Package, "no such package is installed", "'bgtask packages' shows all")
	}
	if p.Origin == task.OriginSystem && !ev.System {
		return refuse(task.ErrAccessDenied, p.Family, "it belongs to the system, which put it into "+p.Folder,
			"remove the system's package; or 'bgtask access "+p.Family+" deny' keeps its tasks from running")
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
		if r.State != RegGone { // one that was being removed goes with its run
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

// endIdle ends the launched servers of a package that have no run and will get none:
// those of the editions that are over.
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

// old: what was started from an earlier edition gets no activation, and its folder
// cannot go before it does.
func (p *pack) outdated(edition uint64) bool { return edition != p.Edition }

// every edition is over when the package is to go.
func anyEdition(uint64) bool { return true }

// leave has the folders of a package removed that is gone. Its row stays until they
// are, so that a broker which dies meanwhile is asked again.
func (e *Engine) removeFolders(p *pack) {
	e.leftovers[p.Family] = p
	e.do(RemoveFolders{Package: p.Package.Package, KeepData: p.KeepData})
}

func (e *Engine) foldersRemoved(ev FoldersRemoved) {
	if p := e.leftovers[ev.Package]; p != nil {
		delete(e.leftovers, ev.Package)
		p.foldersGone = true
		e.mark(p)
	}
}
