// Installing and updating packages (SEMANTICS section 6). An update waits until no run
// of the old version is live, and meanwhile nothing of the package starts; then
// ServicingComplete fires. One content has one version: the same version with other
// content is refused, or two machines could disagree about what a version is.

package engine

import (
	"cmp"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// install adds a package, or updates the one of the same family.
func (e *Engine) install(ev Install) Answer {
	if a, ok := e.mayInstall(ev); !ok {
		return a
	}
	p := e.packages[ev.Package.Family]
	switch {
	case p == nil:
		p = e.newPack(Package{Package: ev.Package})
		p.Access = e.cfg.Policy.DefaultAccess
		e.mark(p)
		e.emit(nil, task.Event{Kind: task.EventPackage, Package: p.Family, Text: strings.TrimSpace("installed " + p.Version)})
		return Answer{Change: Added, Access: p.Access}
	case p.Removing && ev.Package.Origin == task.OriginSystem, p.covers(ev.Package):
		return Answer{Access: p.Access}
	}
	e.updatePackage(p, ev.Package)
	return Answer{Change: Updated, Access: p.Access}
}

// CheckInstall returns the answer that ev would get, so that a package need not be
// unpacked only to be refused. Unchanged means that the same package is already
// installed.
func (e *Engine) CheckInstall(ev Install) Answer {
	a, ok := e.mayInstall(ev)
	p := e.packages[ev.Package.Family]
	switch {
	case !ok:
		return a
	case p == nil:
		return Answer{Change: Added}
	case p.covers(ev.Package):
		return Answer{Access: p.Access}
	}
	return Answer{Change: Updated, Access: p.Access}
}

// covers reports whether installing the package to would change nothing. A package of
// the system gives way to one of the user.
func (p *pack) covers(to task.Package) bool {
	if p.Origin != to.Origin {
		return to.Origin == task.OriginSystem
	}
	same := to.Content != "" && p.Content == to.Content && p.Version == to.Version
	return same && (to.Origin == task.OriginFile || p.Folder == to.Folder)
}

// mayInstall refuses what must not be installed over what is already there.
func (e *Engine) mayInstall(ev Install) (Answer, bool) {
	if a, ok := e.checkPackage(ev.Package); !ok {
		return a, false
	}
	p, to := e.packages[ev.Package.Family], ev.Package
	if p == nil || to.Origin == task.OriginSystem {
		return Answer{}, true
	}
	order := task.CompareVersions(to.Version, p.Version)
	switch {
	case p.Removing:
		return refuse(task.ErrConflict, p.Family, "the package is being removed", "try again when its last process has exited"), false
	case order < 0 && !ev.Downgrade:
		return refuse(task.ErrConflict, p.Family, "version "+p.Version+" is installed, and "+to.Version+" is older", "--allow-downgrade installs it anyway"), false
	case order == 0 && to.Origin == task.OriginFile && p.Origin == task.OriginFile && !p.covers(to):
		return refuse(task.ErrConflict, p.Family, "version "+p.Version+" is already installed with different content",
			"give it another version, or 'bgtask uninstall --keep-data' first"), false
	}
	return Answer{}, true
}

// checkPackage refuses names that a package cannot have, and one whose folders are
// still being removed.
func (e *Engine) checkPackage(p task.Package) (Answer, bool) {
	switch {
	case p.Family == "" || len(p.Family) > task.MaxName:
		return refuse(task.ErrInvalid, p.Family, "a package needs a family name of at most 256 bytes", ""), false
	case p.Family == task.CommandPackage:
		return refuse(task.ErrConflict, p.Family, "this name is reserved for command tasks", ""), false
	case e.leftovers[p.Family] != nil:
		return refuse(task.ErrConflict, p.Family, "the files of its last installation are still being removed", "try again in a moment"), false
	}
	return Answer{}, true
}

// updatePackage begins an update. Live runs of the old version end, nothing of the
// package starts meanwhile, and processes of the old version get no activation
// afterwards.
func (e *Engine) updatePackage(p *pack, to task.Package) {
	to.Access, to.LocalFolder = p.Access, cmp.Or(to.LocalFolder, p.LocalFolder)
	if !p.Servicing {
		p.PreviousVersion = p.Version
	}
	p.Package.Package = to
	p.Servicing = true
	p.Edition++
	e.mark(p)
	e.emit(nil, task.Event{Kind: task.EventPackage, Package: p.Family, Text: strings.TrimSpace("updating to " + to.Version)})
	e.cancelAll(p, task.ReasonServicingUpdate, false)
	e.serviceWhenDone(p)
}

// serviceWhenDone completes an update once no responding run of the package is live. An
// application that does not respond is not waited for: its registration stays taken
// until its run has ended, and it gets no activation, but it must not keep all others
// from running.
func (e *Engine) serviceWhenDone(p *pack) {
	if !p.Servicing || p.hasResponsiveRun() {
		return
	}
	p.Servicing = false
	e.mark(p)
	e.emit(nil, task.Event{Kind: task.EventPackage, Package: p.Family, Text: strings.TrimSpace("updated to " + p.Version)})
	for _, r := range p.regs.sorted() {
		switch {
		case r.State == RegRemoving:
		case !p.Declares(r.Spec.EntryPoint):
			if r.State == RegActive {
				e.suspend(r, SuspendedByNoClass, "class "+r.Spec.EntryPoint.String()+" is no longer declared by "+p.Family)
			}
			continue
		case r.State == RegSuspended:
			e.unsuspend(r, "its package was updated")
		}
		if t, ok := r.Spec.Trigger.(task.SystemTrigger); ok && t.Type == task.OnServicingComplete && e.armed(r) {
			e.todo = append(e.todo, work{r, &firing{by: ByServicing, details: task.SystemTriggerDetails{Type: t.Type, Old: task.Value(p.PreviousVersion), New: task.Value(p.Version)}}})
		}
		e.touch(r)
	}
	e.endIdle(p, p.outdated)
	e.ready.stale = true
}

// hasResponsiveRun reports whether a run is live whose host responds.
func (p *pack) hasResponsiveRun() bool {
	for r := range p.regs {
		if r.run != nil && r.run.State != RunUnresponsive {
			return true
		}
	}
	return false
}
