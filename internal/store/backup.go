//go:build linux

package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	backupDir     = "daily"
	backupPattern = "store-????-??-??.db"
	backupsKept   = 3
)

// Backup makes the daily copy of the store unless the copy for day exists, removes all
// but the last three copies, and returns the path of the copy. It may run concurrently
// with Commit. A copy in which SQLite finds damage does not count: the error is then
// ErrDamaged, and the earlier copies stay.
func (s *Store) Backup(ctx context.Context, day time.Time) (string, error) {
	path := filepath.Join(s.dir, backupDir, "store-"+day.Format(time.DateOnly)+".db")
	if _, err := os.Lstat(path); err == nil {
		return path, nil
	}
	if err := s.backup(ctx, path); err != nil {
		return "", s.explain("copy the store", err)
	}
	for i, old := range backups(s.dir) {
		if i < backupsKept {
			continue
		}
		if err := os.Remove(old); err != nil {
			return path, s.explain("copy the store", err)
		}
	}
	return path, nil
}

func (s *Store) backup(ctx context.Context, path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	fresh := path + ".new"
	if err := removeStore(fresh); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, removeStore(fresh)) }()
	if err := s.vacuumInto(ctx, fresh); err != nil {
		return err
	}
	if err := checkCopy(ctx, fresh); err != nil {
		return err
	}
	if err := syncFile(fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

// vacuumInto copies the store into the file, which already exists with the right
// permissions.
func (s *Store) vacuumInto(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	_, err = s.readers.ExecContext(ctx, "VACUUM INTO ?", path)
	return err
}

func checkCopy(ctx context.Context, path string) error {
	db, err := openReaders(path)
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	return errors.Join(checkTrees(ctx, conn, true), conn.Close())
}

// backups lists the daily copies, newest first. The list is empty if the directory
// cannot be read.
func backups(dir string) []string {
	entries, _ := os.ReadDir(filepath.Join(dir, backupDir))
	var all []string
	for _, e := range entries {
		if ok, _ := filepath.Match(backupPattern, e.Name()); ok {
			all = append(all, filepath.Join(dir, backupDir, e.Name()))
		}
	}
	slices.Reverse(all) // ReadDir sorts by name
	return all
}
