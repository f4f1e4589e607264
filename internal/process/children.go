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

// children are the child processes that supervisors wait for. The children of a program
// are one set, so there is one table for all supervisors.
var children = childTable{pids: map[int]bool{}}

type childTable struct {
	fork sync.RWMutex // held for reading from the fork until the child is in pids
	mu   sync.Mutex
	pids map[int]bool
}

// start runs spawn, which starts a child, and adds the child before the reaper can see it.
// So the reaper does not take a child whose exec fails from the code that forked it.
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

// adopt adds an existing process if it is a child, so that it stays a zombie until it is
// reaped here. It reports whether the process is a child.
func (c *childTable) adopt(pid int, h *handle) bool {
	c.fork.RLock()
	defer c.fork.RUnlock()
	if !h.isChild() {
		return false
	}
	c.add(pid)
	return true
}

// reap removes a child from the process table and from this table, under one lock: as soon
// as its pid is free, another child may get it.
func (c *childTable) reap(pid int, h *handle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h.reap()
	delete(c.pids, pid)
}

// reapOrphans reaps zombies that no code waits for: descendants of launched servers whose
// parents have ended. They become children of this program because it is a subreaper. They
// are in the session of a launch or in their own, never in this program's, which has the
// children of os/exec. Code that starts a child in a new session and waits for it must not
// be in the same program as a Supervisor.
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
			_, _ = waitChild(unix.P_PID, p.pid, 0) // the next round tries again
		}
	}
}

// reapPause keeps a tree whose processes end one by one from costing a read of the process
// table for each.
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

// sleep waits for d and reports whether ctx has not ended.
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
