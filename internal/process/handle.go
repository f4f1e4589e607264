//go:build linux

package process

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// handle holds one process by its pidfd: a signal sent through it reaches that process or
// none. The code that opened a handle closes it.
type handle struct {
	file *os.File
}

// newHandle takes over a pidfd, and closes it when it fails. The runtime's poller watches
// the pidfd, so a wait costs no thread and can be interrupted.
func newHandle(pidfd int) (*handle, error) {
	if err := unix.SetNonblock(pidfd, true); err != nil {
		_ = unix.Close(pidfd)
		return nil, fmt.Errorf("pidfd: %w", err)
	}
	f := os.NewFile(uintptr(pidfd), "pidfd")
	if err := f.SetReadDeadline(time.Time{}); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("watch a pidfd: %w", err)
	}
	return &handle{f}, nil
}

// openHandle opens the process that has pid and was started at start. It returns ErrGone
// for any other process and for a zombie.
func openHandle(pid int, start uint64) (*handle, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, goneOr(fmt.Errorf("pidfd_open: %w", err))
	}
	// The pidfd pins the process that has the pid now; the start time identifies it.
	p, err := readProc(pid)
	if err == nil && (p.start != start || p.dead()) {
		err = ErrGone
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return newHandle(fd)
}

func (h *handle) close() { _ = h.file.Close() } // closing a pidfd cannot lose anything

// control runs f with the pidfd, which stays open until f returns.
func (h *handle) control(f func(fd int)) error {
	conn, err := h.file.SyscallConn()
	if err != nil {
		return err
	}
	return conn.Control(func(fd uintptr) { f(int(fd)) })
}

// wait returns nil when the process has ended, and the context's cause when the context
// ends first. It may be called once.
func (h *handle) wait(ctx context.Context) error {
	conn, err := h.file.SyscallConn()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = h.file.SetReadDeadline(time.Unix(1, 0)) })()
	ended := false
	err = conn.Read(func(fd uintptr) bool {
		ended = pidfdEnded(int(fd))
		return ended
	})
	switch {
	case ended:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return err
}

func pidfdEnded(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n == 1
}

// signal sends sig. It returns ErrGone when the process has ended.
func (h *handle) signal(sig syscall.Signal) error {
	var sent error
	if err := h.control(func(fd int) { sent = unix.PidfdSendSignal(fd, sig, nil, 0) }); err != nil {
		return err
	}
	return goneOr(sent)
}

// isChild reports whether the process is a child of this program, alive or a zombie.
func (h *handle) isChild() bool {
	var asked error
	err := h.control(func(fd int) { _, asked = waitChild(unix.P_PIDFD, fd, unix.WNOWAIT) })
	return err == nil && asked == nil
}

// exit returns how a process that has ended did so. A child stays a zombie.
func (h *handle) exit() Exit {
	var exit Exit
	err := h.control(func(fd int) {
		if info, err := waitChild(unix.P_PIDFD, fd, unix.WNOWAIT); err == nil && info.pid != 0 {
			exit = info.exit()
			return
		}
		exit = strangerExit(fd)
	})
	if err != nil {
		return Exit{} // the handle is closed
	}
	return exit
}

// reap removes a zombie child from the process table.
func (h *handle) reap() {
	_ = h.control(func(fd int) { _, _ = waitChild(unix.P_PIDFD, fd, 0) }) // fails only for a process that is not a zombie child
}
