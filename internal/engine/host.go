package engine

import (
	"fmt"
	"math"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// host is a connected process which serves class objects. Hosts are not stored:
// after a restart they are made again from the runs and launches that name them.
type host struct {
	id            HostID
	pack          *pack
	token         task.LaunchToken // zero: the user started it
	state         HostState
	active        bool
	order         uint64
	version       string // of the package when it came
	edition       uint64 // the same, counted; retired for a program that an update has replaced
	objects       []Object
	served        []task.GUID // every class that it has shown, taken ones too
	runs          []*run
	single        bool               // all that it ever showed was SingleUse
	strays        map[task.GUID]*reg // instances that it runs and nobody knows
	neverReturned bool               // it did not come back in time, and is ended for that
	esc           escalation
	timer         timer
}

// takesActivations: a host of an old version, or one that is not well, gets none.
func (h *host) takesActivations() bool {
	return h.state == HostAttached && h.edition == h.pack.Edition && !h.pack.Servicing
}

func (h *host) visible() []Object {
	return slices.DeleteFunc(slices.Clone(h.objects), func(o Object) bool { return o.Suspended })
}

// attached is a host's hello.
func (e *Engine) attached(ev Attached) {
	h := e.hosts[ev.Host]
	switch {
	case h == nil:
		if h = e.newHost(ev); h == nil {
			return
		}
	case h.state == HostEnding || h.state == HostLeaving:
		e.takeResults(h, ev.Instances)
		e.do(DropHost{ev.Host, "it is being ended"})
		return
	case h.state != HostAttached:
		e.moveHost(h, HostAttached)
	}
	e.awake.arm(&h.timer, 0)
	h.active = ev.Active
	e.reconcile(h, ev.Instances)
	e.setObjects(h, ev.Objects)
	e.updateHealth(h)
	if !h.pack.Servicing { // else they are judged at its end
		e.endIdle(h.pack, h.pack.outdated)
	}
}

func (e *Engine) newHost(ev Attached) *host {
	p := e.packages[ev.Package]
	if p == nil {
		e.do(DropHost{ev.Host, "package " + ev.Package + " is not installed"})
		return nil
	}
	if len(p.hosts) >= task.MaxHosts {
		e.do(DropHost{ev.Host, fmt.Sprintf("package %s has %d hosts, the most it may have", p.Family, task.MaxHosts)})
		return nil
	}
	l := e.launches[ev.Token]
	if !ev.Token.IsZero() && (l == nil || l.State == ServerEnding || l.State == ServerAbsent) {
		e.do(DropHost{ev.Host, "its launch was given up"})
		return nil
	}
	h := e.makeHost(ev.Host, p, ev.Token)
	switch {
	case l != nil:
		h.version, h.edition = l.Version, l.Edition
	case ev.Home != "" && ev.Home != p.Folder:
		h.version, h.edition = "", retired
	}
	return h
}

// retired is the edition of no package.
const retired = math.MaxUint64

func (e *Engine) makeHost(id HostID, p *pack, token task.LaunchToken) *host {
	e.order++
	h := &host{id: id, pack: p, token: token, order: e.order, version: p.Version, edition: p.Edition}
	h.timer.owner = h
	e.hosts[id] = h
	p.hosts = append(p.hosts, h)
	return h
}

func (e *Engine) moveHost(h *host, to HostState) {
	move(&h.state, to, hostMoves, "host "+h.id.String())
	e.ready.stale = true
}

func (e *Engine) objectsChanged(ev ObjectsChanged) {
	if h := e.hosts[ev.Host]; h != nil && h.state != HostLeaving && h.state != HostEnding {
		e.setObjects(h, ev.Objects)
	}
}

// taken: a SingleUse object whose activation is on its way is shown once more by what
// the host sent before it saw that.
func (h *host) taken(o Object) bool {
	return o.SingleUse && slices.ContainsFunc(h.runs, func(u *run) bool { return u.State == RunSent && u.reg.Spec.EntryPoint == o.CLSID })
}

// setObjects publishes all classes of a host in one step.
func (e *Engine) setObjects(h *host, objects []Object) {
	if len(objects) > task.MaxClasses {
		e.do(DropHost{h.id, fmt.Sprintf("it serves %d classes; a host may serve %d", len(objects), task.MaxClasses)})
		return
	}
	h.single = (h.single || len(h.served) == 0) && !slices.ContainsFunc(objects, func(o Object) bool { return !o.SingleUse })
	h.objects = slices.DeleteFunc(slices.Clone(objects), h.taken)
	for _, o := range h.visible() {
		if !slices.Contains(h.served, o.CLSID) {
			h.served = append(h.served, o.CLSID)
		}
		e.classSeen(h.pack, o.CLSID)
	}
	if h.state != HostAttached || len(h.visible()) == 0 {
		return
	}
	if l := e.launches[h.token]; l != nil && l.State == ServerLaunching {
		e.launchUp(l, h)
		return
	}
	e.classUp(h)
}

// classSeen: a live object of the class ends a suspension that ActivationFailed
// caused.
func (e *Engine) classSeen(p *pack, class task.GUID) {
	for _, r := range p.suspended.sorted() {
		if r.Cause == SuspendedByActivation && r.Spec.EntryPoint == class {
			e.unsuspend(r, "its class is served again")
		}
	}
}

func (e *Engine) streamLost(ev StreamLost) {
	h := e.hosts[ev.Host]
	if h == nil || h.state != HostAttached && h.state != HostUnresponsive {
		return
	}
	h.objects = nil
	if h.state == HostAttached {
		e.moveHost(h, HostDetached)
		e.awake.arm(&h.timer, e.now.Awake+task.AdoptionWindow)
	}
}

// due: a detached host did not come back, one that left is still there, or the next
// step of ending has come.
func (h *host) due(e *Engine) {
	switch {
	case h.state == HostEnding || h.state == HostLeaving:
		e.escalateHost(h)
	case h.state != HostDetached:
	case !h.token.IsZero():
		h.neverReturned = true
		e.endHost(h)
	case len(h.runs) > 0 || len(h.strays) > 0:
		for _, u := range slices.Clone(h.runs) {
			e.unresponsive(u)
		}
		if h.state == HostDetached {
			e.moveHost(h, HostUnresponsive)
		}
	default:
		e.hostGone(h, Exit{})
	}
}

// leaveAsked: no activation can fall into the gap, since one that is on its way
// makes the answer "stay".
func (e *Engine) leaveRequested(ev LeaveRequested) {
	h := e.hosts[ev.Host]
	if h == nil {
		e.do(ConfirmLeave{ev.Host})
		return
	}
	if h.state != HostAttached || len(h.runs) > 0 {
		e.do(Stay{ev.Host})
		return
	}
	h.objects = nil
	e.moveHost(h, HostLeaving)
	if !h.token.IsZero() {
		h.esc = escalateTerm
		e.awake.arm(&h.timer, e.now.Awake+task.AdoptionWindow)
	}
	e.do(ConfirmLeave{ev.Host})
}
