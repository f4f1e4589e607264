//go:build linux

package process

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// children are the child processes that hosts wait for. The program's children
// are one set, so there is one of these however many hosts there are.
var children = childTable{pids: map[int]bool{}}

type childTable struct {
	fork sync.RWMutex // held for reading from the fork until the child is in pids
	mu   sync.Mutex
	pids map[int]bool
}

// start runs spawn, which starts a child, and enters it before the reaper can see
// it: also a child whose exec fails is not taken from the one who forked it.
func (c *childTable) start(spawn func() (pid int, err error)) error {
	c.fork.RLock()
	defer c.fork.RUnlock()
	pid, err := spawn()
	if err == nil {
		c.add(pid)
	}
	return err
}

func (c *childTable) add(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pids[pid] = true
}

func (c *childTable) remove(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pids, pid)
}

func (c *childTable) has(pid int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pids[pid]
}

// adopt enters a process that is already there when it is a child, so that it
// stays a zombie for us, and says whether it is one.
func (c *childTable) adopt(pid int, h *handle) bool {
	c.fork.RLock()
	defer c.fork.RUnlock()
	if !h.isChild() {
		return false
	}
	c.add(pid)
	return true
}

// reap takes a child out of the process table and out of this one. Both at once:
// its pid may be another child's the moment it is free.
func (c *childTable) reap(pid int, h *handle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.reap()
	delete(c.pids, pid)
}

// reapOrphans reaps zombies that nobody waits for: descendants of launched
// servers whose own parents ended, which come to us because we are a subreaper.
// They are in the session of a launch or their own, never in ours, where the
// children of os/exec are. Code that starts a child in a session of its own and
// waits for it must not be in one program with a Supervisor.
func (c *childTable) reapOrphans() {
	if info, err := waitChild(unix.P_ALL, 0, unix.WNOWAIT); err != nil || info.pid == 0 {
		return
	}
	procs, err := readProcs()
	if err != nil {
		return
	}
	session, err := unix.Getsid(0)
	if err != nil {
		return
	}
	self := os.Getpid()
	c.fork.Lock()
	defer c.fork.Unlock()
	for _, p := range procs {
		if p.parent != self || !p.dead() || p.session == session || c.has(p.pid) {
			continue
		}
		if now, err := readProc(p.pid); err == nil && now.start == p.start {
			waitChild(unix.P_PID, p.pid, 0)
		}
	}
}

// reapPause keeps a tree that dies in many pieces from costing a look at the
// process table for each.
const reapPause = 100 * time.Millisecond

// run reaps orphans until ctx ends.
func (c *childTable) run(ctx context.Context) {
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	defer signal.Stop(died)
	for {
		c.reapOrphans()
		if !sleep(ctx, reapPause) {
			return
		}
		select {
		case <-died:
		case <-ctx.Done():
			return
		}
	}
}

// sleep waits for d and says whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
