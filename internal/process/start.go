//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// Start starts a class server as the leader of a launch, in a session of its own,
// with env and the names of the launch and of the state directory in it. What
// keeps it from running is told here, not by a time-out: an executable or working
// directory that is missing or cannot be used. It returns when the executable
// runs; a file system that hangs makes it hang.
func (s *Supervisor) Start(ctx context.Context, server task.ClassServer, token task.LaunchToken, env []string, c Callbacks) (task.Process, error) {
	if err := ctx.Err(); err != nil {
		return task.Process{}, context.Cause(ctx)
	}
	l, err := s.reserve(token, c)
	if err != nil {
		return task.Process{}, err
	}
	p, err := s.start(l, server, env)
	if err != nil {
		s.forget(token)
		return task.Process{}, err
	}
	l.deliverWaiting()
	return p, nil
}

func (s *Supervisor) start(l *launch, server task.ClassServer, env []string) (task.Process, error) {
	dir, err := checkServer(server)
	if err != nil {
		return task.Process{}, err
	}
	token := l.tree.token
	files, err := s.output.open(token)
	if err != nil {
		return task.Process{}, err
	}
	defer files.close()
	l.prepare(files.ids, files.begin, true)
	env = withVariables(env, "PWD="+dir, task.LaunchEnv+"="+token.String(), task.TreeEnv+"="+token.String(), StateEnv+"="+s.stateID)
	pid, handle, err := spawn(server, dir, env, files)
	if err != nil {
		s.output.finish(token)
		return task.Process{}, err
	}
	return s.lead(l, pid, handle)
}

// prepare sets what a launch knows before it has a leader.
func (l *launch) prepare(files []fileID, stderr int64, child bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tree.files, l.stderr, l.child = files, stderr, child
}

// lead makes a child just started the leader of l, or ends it.
func (s *Supervisor) lead(l *launch, pid int, handle *handle) (task.Process, error) {
	p, err := s.Identify(pid) // a child's entry stays until it is reaped
	if err == nil {
		if err = s.begin(l, p, handle); err == nil {
			return p, nil
		}
	}
	s.output.finish(l.tree.token)
	return task.Process{}, errors.Join(err, discard(pid))
}

// discard ends a child that cannot be watched. Its pid is its own as long as it
// is in the table of children; after that whoever reaps orphans reaps it.
func discard(pid int) error {
	defer children.remove(pid)
	return unix.Kill(pid, unix.SIGKILL)
}

// deliverWaiting sends what was sent to the launch before it had a process.
func (l *launch) deliverWaiting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, sig := range l.waiting {
		l.tree.signal(sig)
	}
	l.waiting = nil
}

// spawn forks and executes. The handle belongs to the caller.
func spawn(server task.ClassServer, dir string, env []string, files *files) (pid int, h *handle, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, nil, err
	}
	defer null.Close()
	pidfd := -1
	attr := &syscall.ProcAttr{
		Dir:   dir,
		Env:   env,
		Files: []uintptr{null.Fd(), files.out.Fd(), files.err.Fd()},
		// A session, not only a group: a task has no terminal to ask at.
		Sys: &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd},
	}
	argv := append([]string{server.Executable}, server.Arguments...)
	err = children.start(func() (int, error) {
		pid, err = syscall.ForkExec(server.Executable, argv, attr)
		return pid, err
	})
	if err != nil {
		return 0, nil, execError(server.Executable, err)
	}
	if h, err = newHandle(pidfd); err != nil {
		return 0, nil, errors.Join(err, discard(pid))
	}
	return pid, h, nil
}

// checkServer finds what would keep the server from starting, because execve does
// not say which of its files it missed, and gives the working directory.
func checkServer(server task.ClassServer) (dir string, err error) {
	exe := server.Executable
	if !filepath.IsAbs(exe) {
		return "", startError(exe, ErrNoExecutable, nil, "the path of the executable is not absolute", "")
	}
	dir = server.Dir
	if dir == "" {
		dir = filepath.Dir(exe)
	}
	if err := checkExecutable(exe); err != nil {
		return "", err
	}
	if err := checkDirectory(exe, dir); err != nil {
		return "", err
	}
	for _, a := range server.Arguments {
		if strings.IndexByte(a, 0) >= 0 {
			return "", startError(exe, ErrNotRunnable, task.ErrInvalid, "an argument has a NUL byte", "")
		}
	}
	return dir, nil
}

func checkExecutable(exe string) error {
	info, err := os.Stat(exe)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return startError(exe, ErrNoExecutable, err, "the executable is missing", "was the application moved or removed?")
	case err != nil:
		return startError(exe, ErrNotRunnable, err, "the executable cannot be looked at: "+cause(err), "")
	case !info.Mode().IsRegular():
		return startError(exe, ErrNotRunnable, nil, "it is no file", "")
	}
	if err := unix.Faccessat(unix.AT_FDCWD, exe, unix.X_OK, unix.AT_EACCESS); err != nil {
		return startError(exe, ErrNotRunnable, err, "you may not execute it", "chmod +x "+exe)
	}
	return nil
}

func checkDirectory(exe, dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return startError(exe, ErrNoDirectory, err, fmt.Sprintf("the working directory %s is missing", dir), "")
	case err != nil:
		return startError(exe, ErrNoDirectory, err, fmt.Sprintf("the working directory %s: %s", dir, cause(err)), "")
	case !info.IsDir():
		return startError(exe, ErrNoDirectory, nil, fmt.Sprintf("the working directory %s is no directory", dir), "")
	}
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.X_OK, unix.AT_EACCESS); err != nil {
		return startError(exe, ErrNoDirectory, err, fmt.Sprintf("you may not enter the working directory %s", dir), "")
	}
	return nil
}

// cause strips the operation and the path from an error that is told with them.
func cause(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// withVariables sets variables in env: of two entries of one name a program may
// read either, so what was there goes.
func withVariables(env []string, variables ...string) []string {
	merged := make([]string, 0, len(env)+len(variables))
	for _, e := range env {
		if !setsOneOf(e, variables) {
			merged = append(merged, e)
		}
	}
	return append(merged, variables...)
}

func setsOneOf(entry string, variables []string) bool {
	name, _, _ := strings.Cut(entry, "=")
	for _, v := range variables {
		if n, _, _ := strings.Cut(v, "="); n == name {
			return true
		}
	}
	return false
}
