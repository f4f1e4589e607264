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

// fileName is the file of the store. SQLite keeps its log beside it, with the suffix
// -wal.
const fileName = "store.db"

const headerSize = 100 // of an SQLite database

// Options configure Open. Zero fields have defaults.
type Options struct {
	Setting string // the setting with which the user moves the directory: "--state"

	// The limits of history, from section 10 of the contract.
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

// Store is an open store. Load, Commit and Close must be called from one goroutine.
type Store struct {
	dir, path string
	options   Options
	lock      *DirLock
	db        *sql.DB // contains only the writer's connection
	conn      *sql.Conn
	do        *statements
	readers   *sql.DB
	history   history
	mark      *marker  // records what was acknowledged
	index     *os.File // the log's index, which records where a commit ended
	place     place    // where the store's files were when they were opened
	buf       []byte   // for rows to be passed to SQLite
	failed    error    // the first Commit error
	closed    bool
}

// Open opens the store in dir and takes the directory's lock. It creates a new store
// only if there is no trace of an old one.
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
			err = s.explain("open the store", errors.Join(err, s.Close()))
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

// create makes an empty store under another name first, so a file named store.db is
// always complete.
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
	name, err := s.writeEmpty(ctx, fresh)
	if err != nil {
		return err
	}
	if err := s.install(fresh, mark{State: markClosed, Store: name}); err != nil {
		return err
	}
	return syncFile(filepath.Dir(s.dir))
}

// install moves the store in the file fresh to its final place, durably. The mark is
// written first, because a store without one is refused.
func (s *Store) install(fresh string, m mark) error {
	if err := syncFile(fresh); err != nil {
		return err
	}
	if err := createMark(s.markPath(), m); err != nil {
		return err
	}
	if err := os.Rename(fresh, s.path); err != nil {
		return err
	}
	return syncFile(s.dir)
}

func (s *Store) logPath() string  { return s.path + "-wal" }
func (s *Store) markPath() string { return filepath.Join(s.dir, markName) }

// traces returns the path of a file that only a store can have left behind, or "".
func (s *Store) traces() string {
	if copies := backups(s.dir); len(copies) != 0 {
		return copies[0]
	}
	if _, err := os.Lstat(s.logPath()); err == nil {
		return s.logPath()
	}
	// An interrupted creation leaves a mark that records nothing yet.
	m, err := readMark(s.markPath())
	if err == nil && (m.State != markClosed || m.Seq > 0) || errors.Is(err, errNoMark) {
		return s.markPath()
	}
	return ""
}

// writeEmpty makes an empty store and gives it a name, which links its mark to it.
func (s *Store) writeEmpty(ctx context.Context, path string) (name uint64, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	if err := f.Close(); err != nil {
		return 0, err
	}
	db, conn, err := openWriter(ctx, path)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
		return 0, err
	}
	if err := migrate(ctx, conn, path, migrations()); err != nil {
		return 0, err
	}
	return rename(ctx, conn)
}

// connect opens, checks and prepares the existing store. Nothing is written before the
// store, its log and its mark are found to be consistent.
func (s *Store) connect(ctx context.Context) (err error) {
	found, err := s.inspect()
	if err != nil {
		return err
	}
	if err := s.examine(ctx, &found); err != nil {
		return err
	}
	if s.db, s.conn, err = openWriter(ctx, s.path); err != nil {
		return err
	}
	if err := useLog(ctx, s.conn); err != nil {
		return err
	}
	if s.mark, err = openMark(s.markPath(), found.mark); err != nil {
		return err
	}
	if err := s.takeOver(ctx); err != nil {
		return err
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
	if err := s.history.open(ctx, s.conn); err != nil {
		return err
	}
	if s.index, err = os.Open(s.path + "-shm"); err != nil {
		return err
	}
	s.place, err = s.look()
	return err
}

// useLog turns the write-ahead log on. A daily copy has none.
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

// takeOver empties the log that an earlier broker left, and records in the mark that
// the store is open. It first copies the log into the store and syncs it: after a
// failed fsync the kernel may consider pages written that are not, and the engine is
// about to rely on them. The log is emptied only when the mark no longer relies on it.
func (s *Store) takeOver(ctx context.Context) error {
	if err := copyLog(ctx, s.conn, "FULL"); err != nil {
		return err
	}
	s.mark.mark.Log = position{}
	if err := s.mark.settle(markOpen); err != nil {
		return err
	}
	return copyLog(ctx, s.conn, "TRUNCATE")
}

// copyLog copies the whole log into the store.
func copyLog(ctx context.Context, conn *sql.Conn, mode string) error {
	var busy, frames, copied int
	if err := conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &frames, &copied); err != nil {
		return err
	}
	if busy != 0 {
		return errors.New("another program is reading the store, so its log cannot be emptied")
	}
	return nil
}

// Close closes the store and releases the lock. Everything that was committed stays.
// Further calls do nothing.
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
	if s.index != nil {
		errs = append(errs, s.index.Close())
	}
	emptied := s.emptyLog()
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	errs = append(errs, s.closeMark(emptied), s.lock.Unlock())
	if s.failed == nil {
		s.failed = errClosed
	}
	return s.explain("close the store", errors.Join(errs...))
}

// emptyLog copies the log into the store and records in the mark that nothing depends
// on the log any more. SQLite removes the log next.
func (s *Store) emptyLog() bool {
	if s.mark == nil {
		return false
	}
	if err := copyLog(context.Background(), s.conn, "FULL"); err != nil {
		return false // then the log stays, and the next Open reads it
	}
	s.mark.mark.Log = position{}
	return s.mark.settle(s.mark.mark.State) == nil
}

// closeMark records that the store was closed properly. A store in which SQLite found
// damage stays marked as damaged.
func (s *Store) closeMark(emptied bool) error {
	if s.mark == nil {
		return nil
	}
	_, err := os.Lstat(s.logPath())
	if emptied && errors.Is(err, fs.ErrNotExist) && s.mark.mark.State == markOpen {
		return errors.Join(s.mark.settle(markClosed), s.mark.close())
	}
	return s.mark.close()
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

// maxReaders also limits the memory of SQLite's caches: 2 MiB each.
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

// removeStore removes what an attempt to write a store at path left behind.
func removeStore(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
