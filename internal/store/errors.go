//go:build linux

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/bgtask/bgtask/task"
)

// The reasons why a store is refused, for errors.Is.
var (
	ErrDamaged = errors.New("the store is damaged")
	ErrNewer   = errors.New("the store is of a newer version of bgtask")
	ErrNotOurs = errors.New("the file is not a store of bgtask")
	ErrNetwork = errors.New("the directory is on a network file system")
	ErrLocked  = errors.New("another broker is using the directory")
)

var errChecksum = errors.New("a row does not match its checksum")

// LockedError reports which process holds the lock. It unwraps to ErrLocked.
type LockedError struct {
	Dir string
	PID int // 0: unknown
}

// Error names the process.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("%s: %v", e.Dir, ErrLocked)
	}
	return fmt.Sprintf("%s: %v: pid %d", e.Dir, ErrLocked, e.PID)
}

// Unwrap returns ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }

// explain converts an error from SQLite or the system into one for the user.
func (s *Store) explain(op string, err error) error {
	if err == nil || inWords(err) {
		return err
	}
	e := &task.Error{Op: op, Subject: s.path, Err: err}
	var of *sqlite.Error
	code := 0
	if errors.As(err, &of) {
		code = of.Code()
	}
	switch code & 0xff {
	case sqlite3.SQLITE_CORRUPT:
		return damaged(op, s.path, err.Error())
	case sqlite3.SQLITE_NOTADB:
		e.Err, e.Detail = ErrNotOurs, "it is not a database: "+err.Error()
		e.Hint = restoreHint(s.path)
	case sqlite3.SQLITE_FULL:
		e.Detail, e.Hint = "the disk is full: "+err.Error(), "make room on the file system of "+filepath.Dir(s.path)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		e.Detail, e.Hint = "it cannot be written: "+err.Error(), writableHint(s.path)
	case sqlite3.SQLITE_IOERR:
		e.Detail, e.Hint = "the disk failed: "+err.Error(), "look for the cause in the kernel's log: journalctl -k"
	}
	switch {
	case errors.Is(err, errChecksum):
		return damaged(op, s.path, err.Error())
	case errors.Is(err, fs.ErrPermission):
		e.Detail, e.Hint = "it cannot be written: "+err.Error(), writableHint(s.path)
	}
	return e
}

// inWords reports whether err needs no further explanation.
func inWords(err error) bool {
	var known *task.Error
	var cursor *task.CursorError
	return errors.As(err, &known) || errors.As(err, &cursor) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

func damaged(op, path, detail string) error {
	return &task.Error{Op: op, Subject: path, Err: ErrDamaged, Detail: ErrDamaged.Error() + ": " + detail, Hint: restoreHint(path)}
}

// trimDamaged returns the text of err without the prefix of ErrDamaged.
func trimDamaged(err error) string {
	return strings.TrimPrefix(err.Error(), ErrDamaged.Error()+": ")
}

func writableHint(path string) string {
	return "make " + filepath.Dir(path) + " and the files in it writable for the user of the broker"
}

// restoreHint names the last daily copy and the command that restores it.
func restoreHint(path string) string {
	copies := backups(filepath.Dir(path))
	if len(copies) == 0 {
		return "there is no daily copy; 'bgtask restore' shows what can still be read and how to keep it"
	}
	return fmt.Sprintf("the last daily copy is %s; 'bgtask restore' shows what going back to it would lose, and does it", copies[0])
}
