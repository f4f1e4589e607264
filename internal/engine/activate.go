// Activation: the class table (SEMANTICS section 4). place finds an admitted run its
// object: a live one in a running application or class server, else the launch in
// flight, else a new launch. send then gives the run to the object, and checks the
// conditions again, because a launch takes time: if one no longer holds, Run is not
// called and the occurrence is pending again. A host must never get an activation while
// its package is being updated, while it runs an earlier edition, or while it does not
// respond.

package engine

import (
	"slices"

	"github.com/bgtask/bgtask/task"
)

// findObject looks a class up in the class table and returns the best host and the
// index of its object. An application that the user started is preferred to a launched
// server, the active session to others, and then the newest host.
func (e *Engine) findObject(pack string, class task.GUID) (*host, int) {
	var best *host
	at := -1
	for _, h := range e.packages[pack].hosts {
		i := slices.IndexFunc(h.objects, func(o Object) bool { return o.CLSID == class && !o.Suspended })
		if i < 0 || !h.takesActivations() {
			continue
		}
		if best == nil || better(h, best) {
			best, at = h, i
		}
	}
	return best, at
}

// better reports whether host a is preferred to host b.
func better(a, b *host) bool {
	if a.token.IsZero() != b.token.IsZero() {
		return a.token.IsZero()
	}
	if a.active != b.active {
		return a.active
	}
	return a.order > b.order
}

// place finds an object for a Starting run, or joins or makes a launch of its class
// server.
func (e *Engine) place(u *run) {
	r := u.reg
	if h, i := e.findObject(r.pack.Family, r.Spec.EntryPoint); h != nil {
		e.send(u, h, i)
		return
	}
	cs, ok := e.classServer(r)
	if !ok {
		e.endRun(u, ending{outcome: task.ActivationFailed, noClass: true,
			text: "no class server declares class " + r.Spec.EntryPoint.String() + ", and no running application serves it"})
		return
	}
	// All runs that need the class server share one launch.
	s := e.serverOf(r.pack.Family, cs)
	if s.launching == nil {
		e.launch(s, r.pack.Family, cs)
	}
	u.Token = s.launching.Token
	e.mark(u)
	e.armRun(u)
}

// placeOrWait places a run that was admitted earlier and has lost its object or launch.
// If it needs a launch and none can be made now, the run ends and its occurrence waits
// for the launch like any other.
func (e *Engine) placeOrWait(u *run, text string) {
	if e.launchBlocked(u.reg) != "" {
		e.endRun(u, ending{outcome: task.Canceled, reason: task.ReasonTerminating, text: text})
		return
	}
	e.place(u)
}

// classServer returns the class server that serves the class of r, if one is declared.
func (e *Engine) classServer(r *reg) (task.ClassServer, bool) {
	p := e.packages[r.pack.Family]
	if p.Implied && len(p.Servers) > 0 {
		return p.Servers[0], true
	}
	return p.Server(r.Spec.EntryPoint)
}

// Why no launch can be made. (A full launch slot is reported with its number instead.)
const (
	noServer   = "no class server is declared, and no running application serves the class"
	lastLaunch = "the previous launch of its class server is being ended"
	notAlone   = "after a crash its class server runs one task at a time"
)

// launchBlocked says why no launch can be made for r now. It returns "" if no launch is
// needed, or if one can be made or joined.
func (e *Engine) launchBlocked(r *reg) string {
	if h, _ := e.findObject(r.pack.Family, r.Spec.EntryPoint); h != nil {
		return ""
	}
	cs, ok := e.classServer(r)
	switch {
	case !ok && r.pack.Declares(r.Spec.EntryPoint):
		return noServer
	case !ok:
		return "" // admitted, and fails immediately with the reason
	}
	s := e.servers[serverKey{r.pack.Family, cs.Key()}]
	switch {
	case s != nil && s.launching != nil:
		return ""
	case s != nil && s.ending > 0:
		return lastLaunch
	case e.slots.launches >= e.cfg.Policy.Launches:
		return counted(e.slots.launches, "1 launch is in flight", "%d launches are in flight")
	}
	return ""
}

// classUp serves every run that waits for a class that h now shows: those of its own
// launch, and those of any other, since a class may come up elsewhere first.
func (e *Engine) classUp(h *host) {
	var waiting []*run
	for _, u := range e.runs {
		if u.State == RunStarting && u.reg.pack.Family == h.pack.Family {
			waiting = append(waiting, u)
		}
	}
	slices.SortFunc(waiting, olderRun)
	for _, u := range waiting {
		if best, i := e.findObject(u.reg.pack.Family, u.reg.Spec.EntryPoint); best != nil {
			e.send(u, best, i)
		}
	}
	e.ready.stale = true
}

// send gives a Starting run to an object, if its conditions still hold.
func (e *Engine) send(u *run, h *host, object int) {
	r := u.reg
	if !u.Waived && !e.holds(r) {
		e.endRun(u, ending{outcome: task.Canceled, reason: task.ReasonConditionLoss, text: "a condition was lost while the class was being launched"})
		return
	}
	move(&u.State, RunSent, runMoves, "run of "+r.Spec.Name)
	// Taken in the same step: no second run can be sent to a SingleUse object.
	if o := &h.objects[object]; o.SingleUse {
		h.objects = slices.Delete(h.objects, object, object+1)
	}
	u.Host, u.Token, u.Version, u.Edition, u.SentAt = h.id, h.token, h.version, h.edition, e.now.Awake
	h.runs = append(h.runs, u)
	e.mark(u)
	e.armRun(u)
	o := u.occ
	e.do(Activate{Host: h.id, Activation: task.Activation{
		Instance: u.ID, TaskID: u.TaskID, Package: r.pack.Family, CLSID: r.Spec.EntryPoint, Spec: r.Spec.whole(), Registered: e.shown(r.registered),
		Occurrence: o.view(), Attempt: u.Attempt, Details: o.Details, Checkpoint: o.Saved, Folder: r.pack.LocalFolder}})
}

// mustBeAlone reports whether r must wait for another run in its class server. After a
// crash of a process with several runs, it is unknown which one caused it, so each of
// their registrations runs alone until it has completed once.
func (e *Engine) mustBeAlone(r *reg) bool {
	for _, u := range e.runs {
		if u.reg != r && u.reg.pack.Family == r.pack.Family && (r.Alone || u.reg.Alone) && !e.inApplication(u) && e.sameServer(r, u.reg) {
			return true
		}
	}
	return false
}

// inApplication reports whether the run is in an application that the user started.
func (e *Engine) inApplication(u *run) bool { return u.Token.IsZero() && !u.Host.IsZero() }

// sameServer reports whether the classes of a and b are served by the same class
// server.
func (e *Engine) sameServer(a, b *reg) bool {
	x, ok := e.classServer(a)
	y, also := e.classServer(b)
	return ok && also && x.Key() == y.Key()
}
