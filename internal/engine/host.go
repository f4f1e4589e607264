// Hosts: connected processes that serve class objects (SEMANTICS section 4). A host is
// known by its process, not by its connection: when its stream is lost, its runs
// continue, and it has task.AdoptionWindow to come back. Classes are states of hosts; a
// host that is detached, leaving, ending or unresponsive shows none. What an
// application does with its own process is its own business: the engine ends only
// processes that it launched, unless the user asks for more.

package engine

import (
	"fmt"
	"math"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// host is a connected process that serves class objects. Hosts are not stored: after a
// restart they are made again from the runs and launches that name them.
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
	served        []task.GUID // every class that it has shown, including taken ones
	runs          []*run
	single        bool               // every object that it has shown was SingleUse
	strays        map[task.GUID]*reg // instances that it runs and that the broker does not know or has ended
	neverReturned bool               // it did not come back in time and is being ended for that
	esc           escalation
	timer         timer
}

// takesActivations reports whether the host may get an activation: not if it runs an
// earlier edition or does not respond.
func (h *host) takesActivations() bool {
	return h.state == HostAttached && h.edition == h.pack.Edition && !h.pack.Servicing
}

// visible returns the objects that are not suspended.
func (h *host) visible() []Object {
	return slices.DeleteFunc(slices.Clone(h.objects), func(o Object) bool { return o.Suspended })
}

// attached handles a host's hello: a new host, or one that has come back and says what
// it still runs.
func (e *Engine) attached(ev Attached) {
	h := e.hosts[ev.Host]
	switch {
	case h == nil:
		if h = e.newHost(ev); h == nil {
			return
		}
	case h.state == HostEnding || h.state == HostLeaving:
		e.takeResults(h, ev.Instances)
		e.do(DropHost{ev.Host, "its process is being ended"})
		return
	case h.state != HostAttached:
		e.moveHost(h, HostAttached)
	}
	e.awake.arm(&h.timer, 0)
	h.active = ev.Active
	// Instances before objects: setObjects may send a run, and by then it must be clear
	// which runs are over and which registrations have a stray instance.
	e.reconcile(h, ev.Instances)
	e.setObjects(h, ev.Objects)
	e.updateHealth(h)
	if !h.pack.Servicing { // otherwise serviceWhenDone does it
		e.endIdle(h.pack, h.pack.outdated)
	}
}

// newHost makes a host for a process that attaches, or drops it and returns nil.
func (e *Engine) newHost(ev Attached) *host {
	p := e.packages[ev.Package]
	if p == nil {
		e.do(DropHost{ev.Host, "package " + ev.Package + " is not installed"})
		return nil
	}
	if len(p.hosts) >= task.MaxHosts {
		e.do(DropHost{ev.Host, fmt.Sprintf("package %s already has %d hosts, which is the limit", p.Family, task.MaxHosts)})
		return nil
	}
	l := e.launches[ev.Token]
	if !ev.Token.IsZero() && (l == nil || l.State == ServerEnding || l.State == ServerAbsent) {
		e.do(DropHost{ev.Host, "its launch was abandoned"})
		return nil
	}
	h := e.makeHost(ev.Host, p, ev.Token)
	switch {
	// A launched process belongs to the edition that was current when it was started. Any
	// other belongs to the version whose folder contains its program.
	case l != nil:
		h.version, h.edition = l.Version, l.Edition
	case ev.Home != "" && ev.Home != p.Folder:
		h.version, h.edition = "", retired
	}
	return h
}

// retired is an edition that no package has.
const retired = math.MaxUint64

// makeHost adds a host of the current edition of its package.
func (e *Engine) makeHost(id HostID, p *pack, token task.LaunchToken) *host {
	e.order++
	h := &host{id: id, pack: p, token: token, order: e.order, version: p.Version, edition: p.Edition}
	h.timer.owner = h
	e.hosts[id] = h
	p.hosts = append(p.hosts, h)
	return h
}

// moveHost changes the state of a host, which may let or keep runs from starting.
func (e *Engine) moveHost(h *host, to HostState) {
	move(&h.state, to, hostMoves, "host "+h.id.String())
	e.ready.stale = true
}

// objectsChanged takes a new list of objects, unless the host is about to end.
func (e *Engine) objectsChanged(ev ObjectsChanged) {
	if h := e.hosts[ev.Host]; h != nil && h.state != HostLeaving && h.state != HostEnding {
		e.setObjects(h, ev.Objects)
	}
}

// taken reports whether o is a SingleUse object whose activation is on its way. The
// host may list it once more, in a message that it sent before the activation arrived.
func (h *host) taken(o Object) bool {
	return o.SingleUse && slices.ContainsFunc(h.runs, func(u *run) bool { return u.State == RunSent && u.reg.Spec.EntryPoint == o.CLSID })
}

// setObjects publishes all classes of a host in one step, so that a run never sees half
// of them.
func (e *Engine) setObjects(h *host, objects []Object) {
	if len(objects) > task.MaxClasses {
		e.do(DropHost{h.id, fmt.Sprintf("it serves %d classes; the limit is %d", len(objects), task.MaxClasses)})
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

// classSeen ends suspensions that ActivationFailed caused, because the class is served
// again.
func (e *Engine) classSeen(p *pack, class task.GUID) {
	for _, r := range p.suspended.sorted() {
		if r.Cause == SuspendedByActivation && r.Spec.EntryPoint == class {
			e.unsuspend(r, "its class is served again")
		}
	}
}

// streamLost withdraws the objects of a host and gives it time to come back. Its runs
// continue: a lost connection says nothing about the process.
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

// due is called when a detached host did not come back, when one that was allowed to
// leave is still there, or when the next step of ending it has come.
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

// leaveRequested lets an idle host exit. No activation can be lost: the host's objects
// are withdrawn in the same step, and a host with a run must stay.
func (e *Engine) leaveRequested(ev LeaveRequested) {
	id := ev.Host
	h := e.hosts[id]
	if h == nil {
		e.do(ConfirmLeave{id})
		return
	}
	if h.state != HostAttached || len(h.runs) > 0 {
		e.do(Stay{id})
		return
	}
	h.objects = nil
	e.moveHost(h, HostLeaving)
	if !h.token.IsZero() {
		h.esc = escalateTerm
		e.awake.arm(&h.timer, e.now.Awake+task.AdoptionWindow)
	}
	e.do(ConfirmLeave{id})
}
