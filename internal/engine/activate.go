package engine

import (
	"slices"

	"github.com/bgtask/bgtask/task"
)

// findObject is the class table's answer: the best live object of a class. An app
// that the user started goes before a launched server, the active session before
// others, then the newest.
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

func better(a, b *host) bool {
	if a.token.IsZero() != b.token.IsZero() {
		return a.token.IsZero()
	}
	if a.active != b.active {
		return a.active
	}
	return a.order > b.order
}

// place finds a Starting run its object, or joins or makes the launch of its class
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
	s := e.serverOf(r.pack.Family, cs)
	if s.launching == nil {
		e.launch(s, r.pack.Family, cs)
	}
	u.Token = s.launching.Token
	e.mark(u)
	e.armRun(u)
}

// placeOrWait: when only a launch could serve a run that was admitted long ago, and
// none can be made now, its occurrence waits for that as any other.
func (e *Engine) placeOrWait(u *run, text string) {
	if e.launchBlocked(u.reg) != "" {
		e.endRun(u, ending{outcome: task.Canceled, reason: task.ReasonTerminating, text: text})
		return
	}
	e.place(u)
}

// classServer is how the class of r is launched.
func (e *Engine) classServer(r *reg) (task.ClassServer, bool) {
	p := e.packages[r.pack.Family]
	if p.Implied && len(p.Servers) > 0 {
		return p.Servers[0], true
	}
	return p.Server(r.Spec.EntryPoint)
}

// Why no launch can be made; a full launch slot is told with its number.
const (
	noServer   = "no class server is declared, and no running application serves the class"
	lastLaunch = "the last launch of its class server is being ended"
	notAlone   = "after a crash its class server runs one task at a time"
)

// launchBlocked says why no launch could be made for r now; "" when none is needed
// or one can be made or joined.
func (e *Engine) launchBlocked(r *reg) string {
	if h, _ := e.findObject(r.pack.Family, r.Spec.EntryPoint); h != nil {
		return ""
	}
	cs, ok := e.classServer(r)
	switch {
	case !ok && r.pack.Declares(r.Spec.EntryPoint):
		return noServer
	case !ok:
		return "" // admitted, to fail at once
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

// classUp serves everybody who waits for a class that a host now shows: those of
// its launch, and those of any launch, since a class may come up elsewhere.
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

// send gives a Starting run to an object, if its conditions still hold: a launch
// takes time.
func (e *Engine) send(u *run, h *host, object int) {
	r := u.reg
	if !u.Waived && !e.holds(r) {
		e.endRun(u, ending{outcome: task.Canceled, reason: task.ReasonConditionLoss, text: "a condition was lost while the class was launched"})
		return
	}
	move(&u.State, RunSent, runMoves, "run of "+r.Spec.Name)
	if o := &h.objects[object]; o.SingleUse {
		h.objects = slices.Delete(h.objects, object, object+1)
	}
	u.Host, u.Token, u.Version, u.Edition, u.SentAt = h.id, h.token, h.version, h.edition, e.now.Awake
	h.runs = append(h.runs, u)
	e.mark(u)
	e.armRun(u)
	o := u.occ
	e.do(Activate{Host: h.id, Activation: Activation{
		Instance: u.ID, TaskID: u.TaskID, Package: r.pack.Family, CLSID: r.Spec.EntryPoint, Spec: r.Spec.whole(), Registered: e.wallOf(r.Registered),
		Occurrence: o.view(), Attempt: u.Attempt, Details: o.Details, Checkpoint: o.Saved, Folder: r.pack.LocalFolder}})
}

// mustBeAlone: after a crash of a process with several runs each of their
// registrations runs alone in its class server, until it has completed once.
func (e *Engine) mustBeAlone(r *reg) bool {
	for _, u := range e.runs {
		if u.reg != r && u.reg.pack.Family == r.pack.Family && (r.Alone || u.reg.Alone) && !e.inApplication(u) && e.sameServer(r, u.reg) {
			return true
		}
	}
	return false
}

func (e *Engine) inApplication(u *run) bool { return u.Token.IsZero() && !u.Host.IsZero() }

func (e *Engine) sameServer(a, b *reg) bool {
	x, ok := e.classServer(a)
	y, also := e.classServer(b)
	return ok && also && x.Key() == y.Key()
}
