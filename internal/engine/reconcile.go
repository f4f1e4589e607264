// Reconciliation: a host that connects again lists the instances that it knows, and the
// engine compares the list with its own runs (SEMANTICS section 6). Both sides may have
// missed something. A run that both know continues. A run that only the broker knows
// was lost. An instance that only the host knows is a stray: it is canceled, and its
// registration starts nothing until it is over, since two live runs of a registration
// must never exist.

package engine

import (
	"slices"

	"github.com/bgtask/bgtask/task"
)

// reconcile compares what a host says it runs with what it should run.
func (e *Engine) reconcile(h *host, held []Held) {
	named := map[task.GUID]Held{}
	for _, i := range held {
		named[i.Instance] = i
	}
	for _, u := range slices.Clone(h.runs) {
		i, ok := named[u.ID]
		switch {
		case !ok:
			e.endRun(u, lostEnding(u, "its process is running, but no longer knows the run"))
		case ok && i.Result == nil:
			e.stillRunning(u, i.Progress)
		}
	}
	for _, id := range sortedGUIDs(h.strays) {
		if _, ok := named[id]; !ok {
			e.strayOver(h, id)
		}
	}
	e.takeResults(h, held)
	for _, i := range held {
		if u := e.runs[i.Instance]; i.Result == nil && (u == nil || u.Host != h.id) {
			e.stray(h, i)
		}
	}
}

// takeResults takes the results of instances that finished while the host was not
// connected.
func (e *Engine) takeResults(h *host, held []Held) {
	for _, i := range held {
		if i.Result != nil {
			e.finished(Finished{Host: h.id, Instance: i.Instance, Result: *i.Result})
		}
	}
}

// stillRunning continues a run that its reconnected host knows. A cancel of it is sent
// again.
func (e *Engine) stillRunning(u *run, progress uint32) {
	u.progress = max(u.progress, progress)
	switch {
	case u.canceled():
		e.do(CancelRun{u.Host, u.ID, u.Reason})
		e.backToCanceling(u)
	case u.State == RunSent:
		e.entered(u)
	case u.State == RunUnresponsive:
		e.backToRunning(u)
	}
}

// stray cancels an instance that the broker does not know or has ended. Its
// registration starts nothing before the instance is over.
func (e *Engine) stray(h *host, i Held) {
	e.do(CancelRun{h.id, i.Instance, task.ReasonAbort})
	r := e.regs[i.TaskID]
	if r == nil || h.strays[i.Instance] != nil {
		return
	}
	if h.strays == nil {
		h.strays = map[task.GUID]*reg{}
	}
	h.strays[i.Instance] = r
	r.writeCold().strays++
	e.touch(r)
}

// strayOver notes that a stray instance has ended.
func (e *Engine) strayOver(h *host, instance task.GUID) {
	if r := h.strays[instance]; r != nil {
		delete(h.strays, instance)
		r.writeCold().strays--
		e.touch(r)
	}
}
