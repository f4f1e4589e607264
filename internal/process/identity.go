//go:build linux

package process

import (
	"os"
	"strings"

	"github.com/bgtask/bgtask/task"
)

func (s *Supervisor) self() int { return os.Getpid() }

func (s *Supervisor) process(p proc) task.Process {
	return task.Process{PID: p.pid, Start: p.start, Boot: s.boot}
}

// Identify returns the identity of the process that has pid now. A caller that got the pid
// from a peer must still hold the peer's connection: otherwise the pid may have been reused.
func (s *Supervisor) Identify(pid int) (task.Process, error) {
	p, err := readProc(pid)
	if err != nil {
		return task.Process{}, err
	}
	return s.process(p), nil
}

// Alive reports whether p is running. A zombie is not.
func (s *Supervisor) Alive(p task.Process) bool {
	_, ok := s.current(p)
	return ok
}

// current returns p's entry in the process table, while p lives.
func (s *Supervisor) current(p task.Process) (proc, bool) {
	if p.Boot != s.boot {
		return proc{}, false
	}
	now, err := readProc(p.PID)
	if err != nil || now.start != p.Start || now.dead() {
		return proc{}, false
	}
	return now, true
}

// Executable returns the path of the program that p runs, even if the file was replaced or
// removed since. It returns ErrGone when p has ended.
func (s *Supervisor) Executable(p task.Process) (string, error) {
	path, err := os.Readlink(procPath(p.PID, "exe"))
	if !s.Alive(p) { // checked after reading the link, so that the link was p's
		return "", ErrGone
	}
	if err != nil {
		return "", goneOr(err)
	}
	if _, err := os.Lstat(path); err != nil {
		path = strings.TrimSuffix(path, " (deleted)")
	}
	return path, nil
}

// maxAncestors bounds the walk from a process to its ancestors.
const maxAncestors = 256

// LaunchOf returns the launch of this state directory that a process belongs to: by the
// token in its environment or an ancestor's, or by the session of a launch that the
// supervisor follows. The process cannot choose another launch.
func (s *Supervisor) LaunchOf(p task.Process) (task.LaunchToken, bool) {
	if p.Boot != s.boot {
		return task.LaunchToken{}, false
	}
	leaders := s.leaders()
	pid, start := p.PID, p.Start
	for range maxAncestors {
		now, err := readProc(pid)
		if err != nil || now.start > start || pid == p.PID && now.start != p.Start {
			break // an ancestor is never younger, so another process has its pid
		}
		if pid <= 1 || pid == s.self() {
			break
		}
		if token, ok := s.carried(pid); ok && s.Alive(s.process(now)) {
			return token, true
		}
		if token, ok := leaders[now.session]; ok {
			return token, true
		}
		pid, start = now.parent, now.start
	}
	return task.LaunchToken{}, false
}

// leaders returns the followed launches by their leader's pid, which is the number of its
// session. A leader that is gone does not count: its pid may have been reused.
func (s *Supervisor) leaders() map[int]task.LaunchToken {
	byPID := map[int]task.LaunchToken{}
	for _, token := range s.Launches() {
		l := s.launch(token)
		if l == nil {
			continue
		}
		l.mu.Lock()
		leader := l.tree.leader
		l.mu.Unlock()
		if p, err := readProc(leader.PID); err == nil && p.start == leader.Start {
			byPID[leader.PID] = token
		}
	}
	return byPID
}
