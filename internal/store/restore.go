//go:build linux

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// This file recovers from a store that Open refuses. Examine returns a survey of what
// exists, Restore replaces the store by a daily copy, and Keep continues with what can
// still be read. Restore and Keep set the old files aside. Where events were lost, the
// numbers of history continue after every number that was ever given out. An old cursor
// is refused, so a watch never continues with different events.

// Contents describes what can be read from a store or a copy.
type Contents struct {
	Path   string
	Tasks  []string  // PACKAGE/NAME of each readable registration, sorted
	Broken int       // registrations that cannot be read
	Newest uint64    // number of the last event
	Last   time.Time // time of the last event; zero if there is none
	Err    error     // why reading ended early; nil if everything was read
}

// Survey describes a state directory.
type Survey struct {
	Refused error      // why Open refuses the store; nil if it does not
	Store   Contents   // the store itself
	Copies  []Contents // the daily copies, newest first
}

// Examine reads the store in dir and its daily copies, and changes nothing. It holds
// the directory's lock meanwhile, and fails with a *LockedError while a broker holds
// it.
func Examine(ctx context.Context, dir string) (v Survey, err error) {
	s, err := idle(dir)
	if err != nil {
		return Survey{}, err
	}
	defer func() { err = errors.Join(err, s.lock.Unlock()) }()
	v = Survey{Store: contents(ctx, s.path)}
	if found, err := s.inspect(); err != nil {
		v.Refused = s.explain("open the store", err)
	} else {
		v.Refused = s.explain("open the store", s.examine(ctx, &found))
	}
	for _, path := range backups(dir) {
		v.Copies = append(v.Copies, contents(ctx, path))
	}
	return v, nil
}

// idle returns a store that is not open, and takes its directory's lock.
func idle(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, path: filepath.Join(dir, fileName)}
	s.lock, err = Lock(dir)
	return s, err
}

// contents reads as much as possible.
func contents(ctx context.Context, path string) Contents {
	c := Contents{Path: path}
	if _, c.Err = os.Stat(path); c.Err != nil {
		return c
	}
	db, err := openReaders(path)
	if err != nil {
		c.Err = err
		return c
	}
	defer db.Close()
	c.Err = errors.Join(c.readTasks(ctx, db), c.readNewest(ctx, db))
	return c
}

func (c *Contents) readTasks(ctx context.Context, db *sql.DB) error {
	rows, err := db.QueryContext(ctx, "SELECT data FROM registrations")
	if err != nil {
		return err
	}
	defer rows.Close()
	shared := newNames()
	for rows.Next() {
		var data sql.RawBytes
		if err := rows.Scan(&data); err != nil {
			return err
		}
		var r engine.Registration
		if decode(data, shared, &r, registration) != nil {
			c.Broken++
			continue
		}
		c.Tasks = append(c.Tasks, r.Package+"/"+r.Spec.Name)
	}
	slices.Sort(c.Tasks)
	return rows.Err()
}

func (c *Contents) readNewest(ctx context.Context, db *sql.DB) (err error) {
	if _, c.Newest, err = bounds(ctx, db); err != nil {
		return err
	}
	var at int64
	err = db.QueryRowContext(ctx, "SELECT at FROM history ORDER BY seq DESC LIMIT 1").Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	c.Last = time.UnixMilli(at)
	return err
}

// Restore replaces the store in dir by the daily copy. It returns the directory that
// now contains the old files.
func Restore(ctx context.Context, dir, copy string, now time.Time) (aside string, err error) {
	s, err := idle(dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.lock.Unlock()) }()
	return s.replace(ctx, now, func(fresh string) error { return copyFile(copy, fresh) })
}

// Keep makes a store that Open refuses usable without a copy. Data that was lost stays
// lost. A store whose structure is damaged cannot be kept: the error is ErrDamaged.
func Keep(ctx context.Context, dir string, now time.Time) (aside string, err error) {
	s, err := idle(dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.lock.Unlock()) }()
	return s.replace(ctx, now, func(fresh string) error {
		err := copyFile(s.logPath(), fresh+"-wal")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return copyFile(s.path, fresh)
	})
}

// replace makes a store beside the old one, and exchanges the two when the new one is
// complete. If it is interrupted in between, the store is missing, and Open reports
// that.
func (s *Store) replace(ctx context.Context, now time.Time, fill func(fresh string) error) (aside string, err error) {
	defer func() { err = s.explain("restore the store", err) }()
	fresh := s.path + ".new"
	if err := removeStore(fresh); err != nil {
		return "", err
	}
	if err := fill(fresh); err != nil {
		return "", err
	}
	m, err := s.renew(ctx, fresh)
	if err != nil {
		return "", err
	}
	if aside, err = s.setAside(now); err != nil {
		return aside, err
	}
	return aside, s.install(fresh, m)
}

// renew checks the store in the file fresh, gives it a name, and makes its history
// continue after the old one.
func (s *Store) renew(ctx context.Context, fresh string) (mark, error) {
	db, conn, err := openWriter(ctx, fresh)
	if err != nil {
		return mark{}, err
	}
	defer db.Close()
	defer conn.Close()
	if err := checkOurs(ctx, conn, fresh); err != nil {
		return mark{}, err
	}
	if err := checkTrees(ctx, conn, true); err != nil {
		if errors.Is(err, ErrDamaged) {
			return mark{}, damaged("restore the store", fresh, trimDamaged(err))
		}
		return mark{}, err
	}
	_, newest, err := bounds(ctx, conn)
	if err != nil {
		return mark{}, err
	}
	seq := s.givenOut(ctx, newest)
	if seq > newest { // the events between are lost
		if _, err := conn.ExecContext(ctx, "UPDATE meta SET value = ? WHERE name = 'floor'", int64(seq)); err != nil {
			return mark{}, err
		}
	}
	name, err := rename(ctx, conn)
	if err != nil {
		return mark{}, err
	}
	return mark{State: markClosed, Store: name, Seq: seq}, copyLog(ctx, conn, "TRUNCATE")
}

// farBehind is more events than a broker can have numbered since any copy.
const farBehind = 1 << 40

// givenOut returns the highest number that an event may have had. newest is the last
// number in the store that replaces the old one.
func (s *Store) givenOut(ctx context.Context, newest uint64) uint64 {
	old := contents(ctx, s.path)
	m, err := readMark(s.markPath())
	if err != nil && old.Err != nil {
		return newest + farBehind
	}
	return max(newest, old.Newest, m.Seq)
}

// setAside moves the old files into their own directory.
func (s *Store) setAside(now time.Time) (string, error) {
	aside := filepath.Join(s.dir, "replaced-"+now.Format("2006-01-02T150405"))
	if err := os.Mkdir(aside, 0o700); err != nil {
		return "", err
	}
	for _, path := range []string{s.path, s.logPath(), s.path + "-shm", s.markPath()} {
		err := os.Rename(path, filepath.Join(aside, filepath.Base(path)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return aside, err
		}
	}
	return aside, errors.Join(syncFile(aside), syncFile(s.dir))
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &task.Error{Op: "restore the store", Subject: from, Err: ErrNotOurs, Detail: "it is not a regular file"}
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(fmt.Errorf("copy %s: %w", from, err), out.Close())
	}
	return errors.Join(out.Sync(), out.Close())
}
