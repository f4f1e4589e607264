//go:build linux

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/bgtask/bgtask/task"
)

// fileName is the store's; SQLite keeps its log beside it, as -wal and -shm.
const fileName = "store.db"

const headerSize = 100 // of a database of SQLite

// Options are for Open. Zero fields are the defaults.
type Options struct {
	Setting string // what the user sets to move the directory: "--state"

	// How much of history is kept: section 10 of the contract.
	Age     time.Duration // 30 days
	PerTask int           // events of one registration; 1,000
	Total   int           // 200,000
}

func (o Options) withDefaults() (Options, error) {
	if o.Age < 0 || o.PerTask < 0 || o.Total < 0 {
		return o, &task.Error{Op: "open the store", Err: task.ErrInvalid, Detail: "a limit of history is negative"}
	}
	if o.Setting == "" {
		o.Setting = "--state"
	}
	if o.Age == 0 {
		o.Age = 30 * 24 * time.Hour
	}
	if o.PerTask == 0 {
		o.PerTask = 1000
	}
	if o.Total == 0 {
		o.Total = 200_000
	}
	return o, nil
}

// Store is an open store. Load, Commit and Close belong to one goroutine.
type Store struct {
	dir, path string
	options   Options
	lock      *DirLock
	db        *sql.DB // of the writer's one connection
	conn      *sql.Conn
	do        *statements
	readers   *sql.DB
	history   history
	buf       []byte // for rows on their way to SQLite
	failed    error  // of the first Commit that failed
	closed    bool
}

// Open opens the store in dir and takes the directory's lock. It makes a new
// store only where there is no trace of one.
func Open(ctx context.Context, dir string, options Options) (_ *Store, err error) {
	if options, err = options.withDefaults(); err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	s := &Store{dir: dir, path: filepath.Join(dir, fileName), options: options}
	defer func() {
		if err != nil {
			s.Close()
			err = s.explain("open the store", err)
		}
	}()
	if err := s.prepareDir(); err != nil {
		return nil, err
	}
	if s.lock, err = Lock(dir); err != nil {
		return nil, err
	}
	if err := s.create(ctx); err != nil {
		return nil, err
	}
	return s, s.connect(ctx)
}

func (s *Store) prepareDir() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if err := checkLocal(s.dir, s.options.Setting); err != nil {
		return err
	}
	return os.Chmod(s.dir, 0o700)
}

// create makes an empty store under another name first, so that a file named
// store.db is never one that was cut short on its way.
func (s *Store) create(ctx context.Context) error {
	if _, err := os.Lstat(s.path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if left := s.traces(); left != "" {
		return damaged("open the store", s.path, "it is gone, but "+left+" is there")
	}
	fresh := s.path + ".new"
	if err := removeStore(fresh); err != nil {
		return err
	}
	if err := s.writeEmpty(ctx, fresh); err != nil {
		return err
	}
	if err := syncFile(fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, s.path); err != nil {
		return err
	}
	return errors.Join(syncFile(s.dir), syncFile(filepath.Dir(s.dir)))
}

// traces names what only a store leaves behind.
func (s *Store) traces() string {
	if copies := backups(s.dir); len(copies) != 0 {
		return copies[0]
	}
	if _, err := os.Lstat(s.path + "-wal"); err == nil {
		return s.path + "-wal"
	}
	return ""
}

func (s *Store) writeEmpty(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	db, conn, err := openWriter(ctx, path)
	if err != nil {
		return err
	}
	defer db.Close()
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return err
	}
	return migrate(ctx, conn, path, migrations())
}

// connect opens, checks and prepares what is there.
func (s *Store) connect(ctx context.Context) (err error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if info.Size() < headerSize { // SQLite takes it for a new one
		return damaged("open the store", s.path, fmt.Sprintf("it is cut short to %d bytes", info.Size()))
	}
	log, err := os.Stat(s.path + "-wal")
	unclean := err == nil && log.Size() > 0 // SQLite removes it when it closes in order
	if s.db, s.conn, err = openWriter(ctx, s.path); err != nil {
		return err
	}
	if err := checkOurs(ctx, s.conn, s.path); err != nil {
		return err
	}
	if err := useLog(ctx, s.conn); err != nil {
		return err
	}
	if unclean {
		if err := s.settle(ctx); err != nil {
			return err
		}
	}
	if err := migrate(ctx, s.conn, s.path, migrations()); err != nil {
		return err
	}
	if s.do, err = prepare(ctx, s.conn); err != nil {
		return err
	}
	if s.readers, err = openReaders(s.path); err != nil {
		return err
	}
	return s.history.open(ctx, s.conn)
}

// useLog turns the write-ahead log on: a daily copy has none.
func useLog(ctx context.Context, conn *sql.Conn) error {
	var mode string
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("SQLite cannot keep a write-ahead log here, it uses %q", mode)
	}
	return nil
}

// settle takes over from a broker that did not close the store. The log goes
// into the store and is synced there: after a failed fsync the kernel may hold
// pages for written that are not, and the engine is about to rely on them.
func (s *Store) settle(ctx context.Context) error {
	if err := checkTrees(ctx, s.conn, false); err != nil {
		if errors.Is(err, ErrDamaged) {
			return damaged("open the store", s.path, err.Error())
		}
		return err
	}
	_, err := s.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	return err
}

// Close ends the store and gives the lock back. What was committed stays. A
// second Close does nothing.
func (s *Store) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.do != nil {
		errs = append(errs, s.do.close())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	errs = append(errs, s.lock.Unlock())
	if s.failed == nil {
		s.failed = errClosed
	}
	return s.explain("close the store", errors.Join(errs...))
}

var errClosed = errors.New("the store is closed")

func openWriter(ctx context.Context, path string) (*sql.DB, *sql.Conn, error) {
	db, err := sql.Open("sqlite", dsn(path, "rw", "synchronous(FULL)", "journal_size_limit(16777216)", "cache_size(-16384)"))
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	return db, conn, nil
}

// maxReaders also bounds the memory of SQLite's caches: 2 MiB each.
const maxReaders = 4

func openReaders(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, "ro", "cache_size(-2048)"))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(maxReaders)
	db.SetMaxIdleConns(maxReaders)
	db.SetConnMaxIdleTime(time.Minute)
	return db, nil
}

func dsn(path, mode string, pragmas ...string) string {
	q := url.Values{"mode": {mode}, "_pragma": append(pragmas, "busy_timeout(5000)", "temp_store(MEMORY)", "trusted_schema(0)", "cell_size_check(1)")}
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}
	return u.String()
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// removeStore removes what an attempt to write a store under path left.
func removeStore(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
