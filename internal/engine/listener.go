package engine

import "github.com/bgtask/bgtask/task"

// Busy says whether a registration has an occurrence that has not ended. Until
// then its watcher need not fire for what waits: a run will see it.
func (e *Engine) Busy(id task.GUID) bool {
	r := e.regs[id]
	return r != nil && (r.live != nil || len(r.pending) > 0)
}

// RunOf is the registration and the host of a live run; false when a host has no
// such run.
func (e *Engine) RunOf(instance task.GUID) (id task.GUID, host HostID, ok bool) {
	u := e.runs[instance]
	if u == nil || u.Host.IsZero() {
		return task.GUID{}, HostID{}, false
	}
	return u.TaskID, u.Host, true
}
