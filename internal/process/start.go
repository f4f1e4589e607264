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

// Start starts a class server as the leader of a launch, in a new session. Its environment
// is env with the launch's token and the id of the state directory. Start returns an error
// for everything that keeps the server from running, such as an executable or a working
// directory that is missing or cannot be used. It returns when the executable runs; it
// hangs while a file system hangs.
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

// prepare sets what is known about a launch before it has a leader.
func (l *launch) prepare(files []fileID, stderr int64, child bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tree.files, l.stderr, l.child = files, stderr, child
}

// lead makes a child that was just started the leader of l, or ends the child.
func (s *Supervisor) lead(l *launch, pid int, handle *handle) (task.Process, error) {
	p, err := s.Identify(pid) // the entry of a child stays until it is reaped
	if err == nil {
		if err = s.begin(l, p, handle); err == nil {
			return p, nil
		}
	}
	s.output.finish(l.tree.token)
	return task.Process{}, errors.Join(err, discard(pid))
}

// discard ends a child that cannot be followed. Its pid is not reused while it is in the
// table of children; after that it is reaped as an orphan.
func discard(pid int) error {
	defer children.remove(pid)
	return unix.Kill(pid, unix.SIGKILL)
}

// deliverWaiting sends the signals that were sent before the launch had a process.
func (l *launch) deliverWaiting() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, sig := range l.waiting {
		_, _ = l.tree.signal(sig) // the caller of Signal is gone; if nothing is left, the launch ends anyway
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
		// A session, not only a group: a task has no terminal.
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

// checkServer returns the working directory, or the reason why the server cannot start.
// Execve itself does not report which file it did not find.
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
			return "", startError(exe, ErrNotRunnable, task.ErrInvalid, "an argument contains a NUL byte", "")
		}
	}
	return dir, nil
}

func checkExecutable(exe string) error {
	info, err := os.Stat(exe)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return startError(exe, ErrNoExecutable, err, "the executable is missing", "check whether the application was moved or removed")
	case err != nil:
		return startError(exe, ErrNotRunnable, err, "cannot access the executable: "+cause(err), "")
	case !info.Mode().IsRegular():
		return startError(exe, ErrNotRunnable, nil, "the executable is not a regular file", "")
	}
	if err := unix.Faccessat(unix.AT_FDCWD, exe, unix.X_OK, unix.AT_EACCESS); err != nil {
		return startError(exe, ErrNotRunnable, err, "you do not have permission to execute it", "chmod +x "+exe)
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
		return startError(exe, ErrNoDirectory, nil, fmt.Sprintf("the working directory %s is not a directory", dir), "")
	}
	if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.X_OK, unix.AT_EACCESS); err != nil {
		return startError(exe, ErrNoDirectory, err, fmt.Sprintf("you do not have permission to enter the working directory %s", dir), "")
	}
	return nil
}

// cause returns an error without its operation and path, which the message already names.
func cause(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// withVariables sets variables in env. It removes earlier entries with the same names,
// because of two entries a program may read either.
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
