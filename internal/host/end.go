//go:build linux

package host

import (
	"context"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// follow watches a launch from its leader's start to the end of its tree. When
// the host closes first, the launch lives on.
func (h *Host) follow(l *launch) {
	exit, over := h.awaitExit(l)
	if over {
		l.watcher.exited(exit)
		if left := h.endTree(h.ctx, l); len(left) > 0 && h.ctx.Err() == nil {
			l.watcher.ended(Ended{Left: left})
			h.sweep(h.ctx, l, unix.SIGKILL) // until the kernel lets go of them
		}
		h.output.finish(l.tree.token)
	}
	// Only now may the pid be another's, and the token a new launch's.
	if l.child {
		children.reap(l.tree.leader.PID, l.leader)
	}
	children.reapOrphans() // what the tree left came to us
	l.leader.close()
	h.forget(l.tree.token)
	if over && h.ctx.Err() == nil {
		l.watcher.ended(Ended{})
	}
}

// awaitExit waits for the leader's end, and says false when the host closed first.
func (h *Host) awaitExit(l *launch) (Exit, bool) {
	if err := l.leader.wait(h.ctx); err != nil {
		if h.ctx.Err() == nil {
			h.log.Error("a launched process cannot be watched", "process", l.tree.leader, "error", err)
		}
		return Exit{}, false
	}
	exit := l.leader.exit()
	exit.Stderr = h.output.tail(l.tree.token, l.stderr)
	return exit, h.ctx.Err() == nil
}

func (w Watcher) exited(e Exit) {
	if w.Exited != nil {
		w.Exited(e)
	}
}

func (w Watcher) ended(e Ended) {
	if w.Ended != nil {
		w.Ended(e)
	}
}

// End ends everything that carries a token: SIGTERM, then SIGKILL. It is for
// strays; a launch that the host watches is better ended by Signal, whose caller
// knows when. It returns the pids that even SIGKILL did not end.
func (h *Host) End(ctx context.Context, token task.LaunchToken) (left []int, err error) {
	l := h.launch(token)
	if l == nil {
		l = h.unwatched(token)
	}
	left = h.endTree(ctx, l)
	return left, context.Cause(ctx)
}

// endTree ends what is left of a tree and returns the pids that it could not end.
func (h *Host) endTree(ctx context.Context, l *launch) (left []int) {
	for _, step := range []struct {
		sig    syscall.Signal
		within time.Duration
	}{
		{unix.SIGTERM, h.killDelay},
		{unix.SIGKILL, h.killGrace},
	} {
		bounded, cancel := context.WithTimeout(ctx, step.within)
		left = h.sweep(bounded, l, step.sig)
		cancel()
		if len(left) == 0 || ctx.Err() != nil {
			return left
		}
	}
	h.log.Warn("processes of a launch do not end", "launch", l.tree.token, "pids", left)
	return left
}

// sweep sends sig to every member of a tree, once to each, and waits until all
// have ended or ctx has. New ones may come as long as old ones live, so it looks
// again until there is none.
func (h *Host) sweep(ctx context.Context, l *launch, sig syscall.Signal) (left []int) {
	told := map[int]uint64{}
	for {
		members := h.members(l)
		if len(members) == 0 {
			return nil
		}
		for _, p := range members {
			if told[p.pid] == p.start {
				continue
			}
			told[p.pid] = p.start
			if err := send(p.pid, p.start, sig); err != nil && err != ErrGone {
				h.log.Warn("a process of a launch cannot be ended", "launch", l.tree.token, "pid", p.pid, "error", err)
			}
		}
		for _, p := range members {
			awaitEnd(ctx, p)
		}
		if ctx.Err() != nil {
			return pids(h.members(l))
		}
	}
}

// awaitEnd waits until p has ended or ctx has.
func awaitEnd(ctx context.Context, p proc) {
	handle, err := openHandle(p.pid, p.start)
	if err != nil {
		if err != ErrGone {
			sleep(ctx, time.Second) // out of descriptors, perhaps
		}
		return
	}
	defer handle.close()
	handle.wait(ctx)
}

func (h *Host) members(l *launch) []proc {
	l.mu.Lock()
	defer l.mu.Unlock()
	members, err := l.tree.look()
	if err != nil {
		h.log.Error("the process table cannot be read", "error", err)
	}
	return members
}

func pids(procs []proc) []int {
	var out []int
	for _, p := range procs {
		out = append(out, p.pid)
	}
	return out
}
