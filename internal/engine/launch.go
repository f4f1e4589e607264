// Launches: one start of a class server each (SEMANTICS section 4). The intent is
// committed before the process is forked, and the launch token is in the environment of
// its whole process tree, so that a new broker finds everything that an earlier one
// started. There is at most one launch of a class server in flight; runs that need it
// wait for that one. A failed launch fails all its waiters with the same text. After a
// launch that failed, or that is ended with runs in it, the next one must wait until the
// whole process tree has ended: what is left of it must not work beside the new one.

package engine

import (
	"fmt"
	"slices"

	"github.com/bgtask/bgtask/task"
)

// serverKey identifies a class server: package, executable and arguments.
type serverKey struct{ pack, server string }

// server is what all launches of one class server share.
type server struct {
	key       serverKey
	launching *launch
	ending    int // launches whose tree has not ended yet; until then there is no new launch
	launches  int // launches that are not gone; the server is forgotten with the last
}

// launch is one start of a class server.
type launch struct {
	Launch
	isDirty bool
	server  *server
	slot    bool // it is counted as in flight
	blocks  bool // it is counted in server.ending
	adopted bool // begun by an earlier broker: if it does not come up, its waiters get a new launch
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

// serverOf returns the class server of a package, and adds it if it is new.
func (e *Engine) serverOf(pack string, cs task.ClassServer) *server {
	key := serverKey{pack, cs.Key()}
	s := e.servers[key]
	if s == nil {
		s = &server{key: key}
		e.servers[key] = s
	}
	return s
}

// launch starts a class server. The process is started only after the launch is
// committed.
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

// moveLaunch changes the state of a launch and what depends on it: the launch in
// flight, the launch slot, and whether the next launch must wait for its end.
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
	if to != ServerEnding || !l.adopted { // an adopted one is launched again and keeps its slot
		e.freeLaunchSlot(l)
	}
	if to == ServerAbsent {
		e.unblock(l)
	}
	e.ready.stale = true
	e.mark(l)
}

// freeLaunchSlot ends the time in which a launch counts as in flight.
func (e *Engine) freeLaunchSlot(l *launch) {
	if l.slot {
		l.slot = false
		e.slots.launches--
		e.ready.stale = true
	}
}

// unblock allows a new launch of l's class server.
func (e *Engine) unblock(l *launch) {
	if l.blocks {
		l.blocks = false
		l.server.ending--
		e.ready.stale = true
	}
}

// serverStarted notes the process of a launch. A process whose launch was abandoned
// meanwhile is killed.
func (e *Engine) serverStarted(ev ServerStarted) {
	if l := e.launches[ev.Token]; l != nil {
		l.Process = ev.Process
		e.mark(l)
		return
	}
	e.do(Signal{Process: ev.Process, Token: ev.Token, Kill: true}) // a launch that was abandoned
}

// startFailed fails all waiters without waiting for a time-out. After a restart, a
// launch that no process carries is made again for the same runs.
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

// launchUp ends a launch whose process shows a class. Runs that still wait, because the
// object was SingleUse or the process belongs to an earlier edition, continue with the
// next launch in the same step.
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
			continue // another class of this server: its own time-out decides
		}
		e.place(u)
	}
}

// waiters returns the runs that wait for l, oldest first.
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

// olderRun orders runs by their admission.
func olderRun(a, b *run) int {
	if c := compare(int64(a.StartedAt), int64(b.StartedAt)); c != 0 {
		return c
	}
	return compare(a.reg.Order, b.reg.Order)
}

// due is called when the class was not registered in time, or when the next step of
// ending the process has come.
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

// failLaunch gives up l and fails all its waiters.
func (e *Engine) failLaunch(l *launch, how ending) {
	e.closeLaunch(l)
	e.failWaiters(l, how)
}

// failWaiters ends every run that waits for l.
func (e *Engine) failWaiters(l *launch, how ending) {
	for _, u := range e.waiters(l) {
		e.endRun(u, how)
	}
}

// closeLaunch makes the next launch wait until the tree of l has ended.
func (e *Engine) closeLaunch(l *launch) {
	e.moveLaunch(l, ServerEnding)
	if !l.blocks {
		l.blocks = true
		l.server.ending++
	}
}

// launchAgain makes a new launch for the runs that still wait for l, which did not
// outlive the broker that began it.
func (e *Engine) launchAgain(l *launch) {
	for _, u := range e.waiters(l) {
		e.placeOrWait(u, "its class server ended while no broker was running")
	}
}

// addLaunch adds a launch to the ones that are not over.
func (e *Engine) addLaunch(l *launch) {
	e.launches[l.Token] = l
	l.server.launches++
}

// dropLaunch removes a launch that is over, and its row.
func (e *Engine) dropLaunch(l *launch) {
	e.forgetLaunch(l)
	e.awake.arm(&l.timer, 0)
	e.mark(l)
	e.packageWhenDone(e.packages[l.Package])
}

// forgetLaunch removes a launch from memory, and its class server with the last one.
func (e *Engine) forgetLaunch(l *launch) {
	delete(e.launches, l.Token)
	if l.server.launches--; l.server.launches == 0 {
		delete(e.servers, l.server.key)
	}
}
