//go:build linux

package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// lockName is the lock file. It is never removed, because two brokers could then lock
// two different files with the same name.
const lockName = "lock"

// DirLock is the exclusive lock on a directory. The kernel drops it when the
// process dies.
type DirLock struct{ file *os.File }

// Lock takes the lock of dir, which must exist. If another process holds it, the error
// is a *LockedError with its pid.
func Lock(dir string) (*DirLock, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := take(f); err != nil {
		defer f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, &LockedError{Dir: dir, PID: holder(f)}
		}
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	if err := sign(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &DirLock{file: f}, nil
}

const (
	releaseWithin = 2 * time.Second
	releasePoll   = time.Millisecond
)

// take takes the lock, or reports that it is held. If a broker was killed while it
// forked, its child still holds the lock and releases it when it executes its program.
// take waits for that.
func take(f *os.File) error {
	for end := time.Now().Add(releaseWithin); ; time.Sleep(releasePoll) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || lives(holder(f)) || time.Now().After(end) {
			return err
		}
	}
}

// lives reports whether the process exists. If this cannot be determined, it returns
// true.
func lives(pid int) bool {
	if pid <= 0 {
		return true // the holder has not written its pid yet
	}
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	zombie := bytes.HasPrefix(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" Z"))
	return !zombie && !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

// sign writes the pid for processes that find the lock held.
func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holder reads the pid. It is 0 if the holder has not written it yet.
func holder(f *os.File) int {
	b := make([]byte, 32)
	n, _ := f.ReadAt(b, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	return pid
}

// Unlock releases the lock. Further calls do nothing.
func (l *DirLock) Unlock() error {
	if l == nil || l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	// The file is emptied so that it names no process if the lock is taken again
	// immediately.
	return errors.Join(f.Truncate(0), f.Close())
}
