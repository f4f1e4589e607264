package engine

import (
	"fmt"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// serverKey is a class server: package, executable, arguments.
type serverKey struct{ pack, server string }

// server is what all launches of one class server share: one launch in flight.
type server struct {
	key       serverKey
	launching *launch
	ending    int // failed or ended launches whose tree is not ended yet: no launch before
	launches  int // all that are not gone: it is forgotten with the last
}

// launch is one start of a class server.
type launch struct {
	Launch
	isDirty bool
	server  *server
	slot    bool // it is counted as in flight
	blocks  bool // it is counted in server.ending
	adopted bool // the last broker began it: what waits is launched again when it does not come
	esc     escalation
	timer   timer
}

func (l *launch) dirtyBit() *bool { return &l.isDirty }
func (l *launch) write() Write {
	if l.State == ServerAbsent {
		return Delete{Launch{Token: l.Token}}
	}
	return Put{l.Launch}
}

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

func (e *Engine) serverOf(pack string, cs task.ClassServer) *server {
	key := serverKey{pack, cs.Key()}
	s := e.servers[key]
	if s == nil {
		s = &server{key: key}
		e.servers[key] = s
	}
	return s
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

// launch starts a class server: the intent is committed, then the process forked.
func (e *Engine) launch(s *server, pack string, cs task.ClassServer) {
	l := &launch{server: s, Launch: Launch{Token: task.LaunchToken(e.newGUID()), Package: pack, Server: cs, At: e.now.Awake,
		Wall: e.now.Wall, Version: e.packages[pack].Version, Edition: e.packages[pack].Edition}}
	l.timer.owner = l
	e.moveLaunch(l, ServerLaunching)
	e.addLaunch(l)
	e.mark(l)
	e.awake.arm(&l.timer, l.At+e.cfg.Policy.StartTimeout)
	e.do(StartServer{l.Token, pack, cs})
}

// moveLaunch keeps what depends on a launch's state: the one in flight, the launch
// slot, and whether the next launch has to wait for its end.
func (e *Engine) moveLaunch(l *launch, to ServerState) {
	move(&l.State, to, serverMoves, "class server "+l.Server.Executable)
	s := l.server
	if to == ServerLaunching {
		s.launching, l.slot = l, true
		e.slots.launches++
		return
	}
	if s.launching == l {
		s.launching = nil
	}
	if to != ServerEnding || !l.adopted { // one that is made again keeps its slot
		e.freeLaunchSlot(l)
	}
	if to == ServerAbsent {
		e.unblock(l)
	}
	e.ready.stale = true
	e.mark(l)
}

func (e *Engine) freeLaunchSlot(l *launch) {
	if l.slot {
		l.slot = false
		e.slots.launches--
		e.ready.stale = true
	}
}

// unblock lets the class server of l be launched anew.
func (e *Engine) unblock(l *launch) {
	if l.blocks {
		l.blocks = false
		l.server.ending--
		e.ready.stale = true
	}
}

// waiters are the runs that wait for the class server of l, oldest first.
func (e *Engine) waiters(l *launch) []*run {
	var all []*run
	for _, u := range e.runs {
		if u.State == RunStarting && u.Token == l.Token {
			all = append(all, u)
		}
	}
	slices.SortFunc(all, olderRun)
	return all
}

func olderRun(a, b *run) int {
	if c := compare(int64(a.StartedAt), int64(b.StartedAt)); c != 0 {
		return c
	}
	return compare(a.reg.Order, b.reg.Order)
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

// launchUp: a launch is over when its process shows a class. Who is left waiting,
// because the object was SingleUse or the process is of the old version, goes on
// to the next launch in the same step.
func (e *Engine) launchUp(l *launch, h *host) {
	if l.State != ServerLaunching || len(h.visible()) == 0 {
		return
	}
	e.moveLaunch(l, ServerUp)
	l.adopted = false
	e.awake.arm(&l.timer, 0)
	e.classUp(h)
	for _, u := range e.waiters(l) {
		if !slices.Contains(h.served, u.reg.Spec.EntryPoint) {
			continue // another class of this server: its own time-out tells
		}
		e.place(u)
	}
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

func (e *Engine) serverStarted(ev ServerStarted) {
	if l := e.launches[ev.Token]; l != nil {
		l.Process = ev.Process
		e.mark(l)
		return
	}
	e.do(Signal{Process: ev.Process, Token: ev.Token, Kill: true}) // a launch that was given up
}

// startFailed: told at once, to all who wait. After a restart a launch that
// nothing carries is made again in the same run.
func (e *Engine) startFailed(ev StartFailed) {
	l := e.launches[ev.Token]
	if l == nil || l.State == ServerUp {
		return
	}
	e.moveLaunch(l, ServerAbsent)
	e.dropLaunch(l)
	if ev.Lost {
		e.launchAgain(l)
		return
	}
	e.failWaiters(l, ending{outcome: task.ActivationFailed, text: ev.Text})
}

func (e *Engine) addLaunch(l *launch) {
	e.launches[l.Token] = l
	l.server.launches++
}

func (e *Engine) dropLaunch(l *launch) {
	e.forgetLaunch(l)
	e.awake.arm(&l.timer, 0)
	e.mark(l)
	e.packageWhenDone(e.packages[l.Package])
}

func (e *Engine) forgetLaunch(l *launch) {
	delete(e.launches, l.Token)
	if l.server.launches--; l.server.launches == 0 {
		delete(e.servers, l.server.key)
	}
}

// due: the class was not registered in time, or the next step of ending has come.
func (l *launch) due(e *Engine) {
	switch {
	case l.State != ServerLaunching:
		e.escalate(l)
		return
	case l.adopted:
		e.closeLaunch(l)
	default:
		text := fmt.Sprintf("class not registered within %v", e.cfg.Policy.StartTimeout)
		e.failLaunch(l, ending{outcome: task.ActivationFailed, text: text})
	}
	e.endLaunch(l)
}

// failLaunch gives up l and tells all who wait for it.
func (e *Engine) failLaunch(l *launch, how ending) {
	e.closeLaunch(l)
	e.failWaiters(l, how)
}

func (e *Engine) failWaiters(l *launch, how ending) {
	for _, u := range e.waiters(l) {
		e.endRun(u, how)
	}
}

// closeLaunch: the next launch has to wait until the tree of l is ended.
func (e *Engine) closeLaunch(l *launch) {
	e.moveLaunch(l, ServerEnding)
	if !l.blocks {
		l.blocks = true
		l.server.ending++
	}
}

// launchAgain makes a new launch for those who still wait for l: it did not outlive
// the broker that began it.
func (e *Engine) launchAgain(l *launch) {
	for _, u := range e.waiters(l) {
		e.placeOrWait(u, "its class server ended while no broker was there")
	}
}
