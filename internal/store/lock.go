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

// lockName is never removed: two brokers must not lock two files of one name.
const lockName = "lock"

// DirLock is the exclusive lock on a directory. The kernel drops it when the
// process dies.
type DirLock struct{ file *os.File }

// Lock takes the lock of dir, which must exist. When it is held the error is a
// *LockedError with the holder's pid.
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

// take takes the lock, or says that somebody has it. A broker that was killed while
// it forked has left it to the child, which lets go as soon as it executes: that is
// waited for.
func take(f *os.File) error {
	for end := time.Now().Add(releaseWithin); ; time.Sleep(releasePoll) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) || lives(holder(f)) || time.Now().After(end) {
			return err
		}
	}
}

// lives says whether there is such a process, as far as can be known.
func lives(pid int) bool {
	if pid <= 0 {
		return true // it has not signed yet
	}
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	zombie := bytes.HasPrefix(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" Z"))
	return !zombie && !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

// sign leaves the pid for those who come too late.
func sign(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holder reads the pid; 0 when the holder has not written it yet.
func holder(f *os.File) int {
	b := make([]byte, 32)
	n, _ := f.ReadAt(b, 0)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	return pid
}

// Unlock gives the lock back; a second time it does nothing.
func (l *DirLock) Unlock() error {
	if l == nil || l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	// An empty file names nobody, should the lock be found held again at once.
	return errors.Join(f.Truncate(0), f.Close())
}
