//go:build linux

package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// found is what inspect has read from the files of a store before SQLite opens them.
type found struct {
	mark    mark
	unclean bool  // the last broker did not close the store
	lost    error // the log is missing: damage, unless the store contains everything
	noMark  error // the mark cannot be read: damage, unless the file belongs to another program
}

// inspect reads the files and changes nothing.
func (s *Store) inspect() (found, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return found{}, err
	}
	if info.Size() < headerSize { // SQLite would treat it as a new database
		return found{}, damaged("open the store", s.path, fmt.Sprintf("it is cut short to %d bytes", info.Size()))
	}
	m, err := readMark(s.markPath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return found{noMark: fmt.Errorf("%w: its mark, %s, is gone", ErrDamaged, markName)}, nil
	case errors.Is(err, errNoMark):
		return found{noMark: fmt.Errorf("%w: %w", ErrDamaged, err)}, nil
	case err != nil:
		return found{}, err
	case m.State == markDamaged:
		return found{}, damaged("open the store", s.path, "an earlier broker found: "+m.Text)
	}
	log, err := os.Stat(s.logPath())
	f := found{mark: m, unclean: m.State != markClosed || err == nil && log.Size() > 0}
	err = checkLog(s.logPath(), m)
	if lost := (*lostLog)(nil); errors.As(err, &lost) {
		f.lost, err = lost, nil
	}
	return f, s.damage(err)
}

// examine reads the store through a read-only connection. A writable one would copy the
// log into the store when it is closed, even if the log is damaged.
func (s *Store) examine(ctx context.Context, f *found) error {
	db, err := openReaders(s.path)
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := checkOurs(ctx, conn, s.path); err != nil {
		return err
	}
	if f.noMark != nil {
		return s.damage(f.noMark)
	}
	if f.unclean {
		if err := checkTrees(ctx, conn, false); err != nil {
			return s.damage(err)
		}
	}
	return s.damage(f.verify(ctx, conn))
}

// verify compares the store, with what SQLite has read of its log, with the mark.
func (f *found) verify(ctx context.Context, conn *sql.Conn) error {
	name, err := storeName(ctx, conn)
	if err != nil {
		return err
	}
	if name != f.mark.Store {
		return fmt.Errorf("%w: the mark, %s, belongs to another store", ErrDamaged, markName)
	}
	_, newest, err := bounds(ctx, conn)
	if err != nil {
		return err
	}
	if f.lost != nil && (newest != f.mark.Seq || f.mark.After != 0) {
		return f.lost
	}
	if newest < f.mark.Seq {
		return fmt.Errorf("%w: event %d was acknowledged, but the last one in the store is %d", ErrDamaged, f.mark.Seq, newest)
	}
	f.mark.Seq, f.mark.After = newest, 0
	return nil
}

// damage converts an ErrDamaged into an error for the user.
func (s *Store) damage(err error) error {
	var known *task.Error
	if errors.Is(err, ErrDamaged) && !errors.As(err, &known) {
		return damaged("open the store", s.path, trimDamaged(err))
	}
	return err
}

// storeName returns the number that links a store to its mark, or 0 if the store has
// none.
func storeName(ctx context.Context, conn *sql.Conn) (uint64, error) {
	var name int64
	err := conn.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = 'store'").Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return uint64(name), err
}

// rename gives the store a new name.
func rename(ctx context.Context, conn *sql.Conn) (uint64, error) {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	name := binary.NativeEndian.Uint64(b[:]) | 1
	_, err := conn.ExecContext(ctx, "INSERT INTO meta VALUES ('store', ?1) ON CONFLICT DO UPDATE SET value = ?1", int64(name))
	return name, err
}

// place identifies the store's files, because a path may later lead to another file.
type place struct{ store, lock fileID }

type fileID struct{ dev, ino uint64 }

// look finds the files by their paths.
func (s *Store) look() (p place, err error) {
	for path, id := range map[string]*fileID{s.path: &p.store, filepath.Join(s.dir, lockName): &p.lock} {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			return p, &fs.PathError{Op: "stat", Path: path, Err: err}
		}
		*id = fileID{st.Dev, st.Ino}
	}
	return p, nil
}

// inPlace refuses to write into files that were removed or replaced, because that data
// would be lost when the broker ends.
func (s *Store) inPlace() error {
	now, err := s.look()
	if err == nil && now == s.place {
		return nil
	}
	detail := "the store was replaced while the broker was using it"
	if err != nil {
		detail = "the store was removed while the broker was using it: " + err.Error()
	}
	return &task.Error{Op: "commit", Subject: s.path, Err: errGone, Detail: detail,
		Hint: "put the directory back, or start the broker again; what was acknowledged is in the files that were removed"}
}

var errGone = errors.New("the store is gone")

// acknowledge records in the mark where the commit ended.
func (s *Store) acknowledge() error {
	end, err := s.logEnd()
	if err != nil {
		return err
	}
	m := &s.mark.mark
	m.Log = end
	m.After++
	if s.history.newest != m.Seq {
		m.Seq, m.After = s.history.newest, 0
	}
	return s.mark.acknowledge()
}

// logEnd retries when another program, such as sqlite3, is writing the index.
func (s *Store) logEnd() (end position, err error) {
	for range 1000 {
		if end, err = logEnd(s.index); !errors.Is(err, errIndexBusy) {
			break
		}
	}
	return end, err
}

// condemn marks the store as damaged if err says so. Later brokers then refuse it.
func (s *Store) condemn(err error) {
	if !errors.Is(err, ErrDamaged) || s.mark == nil {
		return
	}
	s.mark.mark.Text = err.Error()
	_ = s.mark.settle(markDamaged) // err, which is reported, matters more than a failure here
}
