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

func (e *Engine) serverOf(pack string, cs task.ClassServer) *server {
	key := serverKey{pack, cs.Key()}
	s := e.servers[key]
	if s == nil {
		s = &server{key: key}
		e.servers[key] = s
	}
	return s
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
