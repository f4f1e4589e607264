// What the broker asks about sockets that it holds for tasks (SEMANTICS section 2):
// whether a new connection must fire the task, and whether a host may have the
// listener.

package engine

import "github.com/bgtask/bgtask/task"

// Busy reports whether a registration has an occurrence that has not ended. Until then
// its watcher need not fire for a connection that waits, because a run will see it.
func (e *Engine) Busy(id task.GUID) bool {
	r := e.regs[id]
	return r != nil && (r.live != nil || len(r.pending) > 0)
}

// RunOf returns the registration and the host of a live run. It returns false if no
// host has the run.
func (e *Engine) RunOf(instance task.GUID) (id task.GUID, host HostID, ok bool) {
	u := e.runs[instance]
	if u == nil || u.Host.IsZero() {
		return task.GUID{}, HostID{}, false
	}
	return u.TaskID, u.Host, true
}
