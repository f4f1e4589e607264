//go:build linux

package process

import (
	"context"
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// follow follows a launch from its leader's start to the end of its tree. If the supervisor
// closes first, the launch keeps running.
func (s *Supervisor) follow(l *launch) {
	exit, over := s.awaitExit(l)
	if over {
		l.callbacks.exited(exit)
		if left := s.endTree(s.ctx, l); len(left) > 0 && s.ctx.Err() == nil {
			l.callbacks.ended(Ended{Left: left})
			s.sweep(s.ctx, l, unix.SIGKILL) // until the kernel has released them
		}
		s.output.finish(l.tree.token)
	}
	// Only now may the pid be reused, and the token be used for a new launch.
	if l.child {
		children.reap(l.tree.leader.PID, l.leader)
	}
	children.reapOrphans() // orphans of the tree are children of this program
	l.leader.close()
	s.forget(l.tree.token)
	if over && s.ctx.Err() == nil {
		l.callbacks.ended(Ended{})
	}
}

// awaitExit waits until the leader has ended. It returns false when the supervisor closed
// first.
func (s *Supervisor) awaitExit(l *launch) (Exit, bool) {
	if err := l.leader.wait(s.ctx); err != nil {
		if s.ctx.Err() == nil {
			s.log.Error("cannot follow a launched process", "process", l.tree.leader, "error", err)
		}
		return Exit{}, false
	}
	exit := l.leader.exit()
	exit.Stderr = s.output.tail(l.tree.token, l.stderr)
	return exit, s.ctx.Err() == nil
}

func (c Callbacks) exited(e Exit) {
	if c.Exited != nil {
		c.Exited(e)
	}
}

func (c Callbacks) ended(e Ended) {
	if c.Ended != nil {
		c.Ended(e)
	}
}

// End ends every process that carries a token: first by SIGTERM, then by SIGKILL. It is for
// strays. To end a launch that the supervisor follows, use Signal: its caller decides when
// to kill. End returns the pids of the processes that even SIGKILL did not end.
func (s *Supervisor) End(ctx context.Context, token task.LaunchToken) (left []int, err error) {
	l := s.launch(token)
	if l == nil {
		l = s.unfollowed(token)
	}
	left = s.endTree(ctx, l)
	return left, context.Cause(ctx)
}

// endTree ends what is left of a tree and returns the pids of processes that did not end.
func (s *Supervisor) endTree(ctx context.Context, l *launch) (left []int) {
	for _, step := range []struct {
		sig    syscall.Signal
		within time.Duration
	}{
		{unix.SIGTERM, s.killDelay},
		{unix.SIGKILL, s.killGrace},
	} {
		bounded, cancel := context.WithTimeout(ctx, step.within)
		left = s.sweep(bounded, l, step.sig)
		cancel()
		if len(left) == 0 || ctx.Err() != nil {
			return left
		}
	}
	s.log.Warn("processes of a launch do not end", "launch", l.tree.token, "pids", left)
	return left
}

// sweep sends sig once to every member of a tree, and waits until all have ended or ctx
// has. New members may appear while old ones live, so it looks again until there is none.
func (s *Supervisor) sweep(ctx context.Context, l *launch, sig syscall.Signal) (left []int) {
	signaled := map[int]uint64{}
	for {
		members := s.members(l)
		if len(members) == 0 {
			return nil
		}
		for _, p := range members {
			if signaled[p.pid] == p.start {
				continue
			}
			signaled[p.pid] = p.start
			if err := send(p.pid, p.start, sig); err != nil && !errors.Is(err, ErrGone) {
				s.log.Warn("cannot signal a process of a launch", "launch", l.tree.token, "pid", p.pid, "error", err)
			}
		}
		for _, p := range members {
			awaitEnd(ctx, p)
		}
		if ctx.Err() != nil {
			return pids(s.members(l))
		}
	}
}

// awaitEnd waits until p has ended or ctx has.
func awaitEnd(ctx context.Context, p proc) {
	handle, err := openHandle(p.pid, p.start)
	if err != nil {
		if !errors.Is(err, ErrGone) {
			sleep(ctx, time.Second) // perhaps there are no free descriptors
		}
		return
	}
	defer handle.close()
	_ = handle.wait(ctx) // the caller looks again
}

func (s *Supervisor) members(l *launch) []proc {
	l.mu.Lock()
	defer l.mu.Unlock()
	members, err := l.tree.look()
	if err != nil {
		s.log.Error("cannot read the process table", "error", err)
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
