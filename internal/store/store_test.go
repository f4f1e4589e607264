//go:build linux

package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/internal/store/storetest"
	"github.com/bgtask/bgtask/task"
)

type place struct{ dir string }

func (p place) Open(ctx context.Context) (storetest.Store, error) {
	return store.Open(ctx, p.dir, store.Options{})
}

func TestSuite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Place { return place{t.TempDir()} })
}

func openStore(t *testing.T, dir string, options store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dir, options)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func load(t *testing.T, s *store.Store) engine.State {
	t.Helper()
	st, err := s.Load(t.Context())
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return st
}

func commit(t *testing.T, s *store.Store, writes ...engine.Write) {
	t.Helper()
	if err := s.Commit(t.Context(), writes); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

func closeStore(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

// refused checks the error and the text that the user sees.
func refused(t *testing.T, err error, sentinel error, words ...string) {
	t.Helper()
	if !errors.Is(err, sentinel) {
		t.Fatalf("the error is %v, want %v", err, sentinel)
	}
	all := err.Error() + "\n" + task.Hint(err)
	for _, w := range words {
		if !strings.Contains(all, w) {
			t.Errorf("%q is not in %q", w, all)
		}
	}
}

// sqlite3Judge lets the sqlite3 command read the file. It shares no code with the
// driver in use.
func sqlite3Judge(t *testing.T, path string) {
	t.Helper()
	for query, want := range map[string]string{
		"PRAGMA integrity_check": "ok",
		"PRAGMA application_id":  "1650947121",
		"SELECT count(*) FROM history WHERE seq > 0 AND length(data) < 5": "0",
	} {
		if got := sqlite3(t, path, query); got != want {
			t.Errorf("sqlite3 answers %q with %q, want %q", query, got, want)
		}
	}
}

func sqlite3(t *testing.T, path, query string) string {
	t.Helper()
	out, err := exec.Command("sqlite3", "-batch", path, query).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		needs.Missing(t, "sqlite3", needs.Package("sqlite3"))
	}
	if err != nil {
		t.Fatalf("sqlite3 %s %q: %v: %s", path, query, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestSqlite3ReadsIt(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, store.Options{})
	commit(t, s, engine.Put{Record: sampleRegistration(1)}, engine.Put{Record: sampleRegistration(2)}, engine.Append{Event: sampleEvent(1, 1)})
	path := filepath.Join(dir, "store.db")
	sqlite3Judge(t, path) // while the store is open
	closeStore(t, s)
	sqlite3Judge(t, path)
	if got := sqlite3(t, path, "SELECT count(*) FROM registrations"); got != "2" {
		t.Errorf("%s registrations", got)
	}
	if got := sqlite3(t, path, "SELECT seq, package, result FROM history"); got != "1|notes1_8z2hq4k1ycxxt|1" {
		t.Errorf("history is %q", got)
	}
}

func TestPermissions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b?c#d %20[x]") // any name must work
	s := openStore(t, dir, store.Options{})
	commit(t, s, engine.Put{Record: sampleRegistration(1)})
	if _, err := s.Backup(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		seen++
		want := os.FileMode(0o600)
		if info.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has %v", path, info.Mode())
		}
		return nil
	})
	if err != nil || seen < 6 {
		t.Fatalf("%d files, %v", seen, err)
	}
}

// A broker that was killed while it forked leaves its lock to a child that has not
// executed its program yet.
func TestLockOfADeadBroker(t *testing.T) {
	dir := t.TempDir()
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	held, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(held.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(held, dead.Process.Pid)
	child := exec.Command("sleep", "0.2")
	child.ExtraFiles = []*os.File{held}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	held.Close()
	lock, err := store.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, store.Options{})
	_, err := store.Open(t.Context(), dir, store.Options{})
	var locked *store.LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() {
		t.Fatalf("the second broker got %v", err)
	}
	refused(t, err, store.ErrLocked, dir)
	commit(t, s, engine.Put{Record: sampleLedger(1)}) // the second broker did no harm
	closeStore(t, s)
	closeStore(t, s)
	openStore(t, dir, store.Options{})
}

func TestClosed(t *testing.T) {
	s := openStore(t, t.TempDir(), store.Options{})
	closeStore(t, s)
	if err := s.Commit(t.Context(), []engine.Write{engine.Put{Record: sampleLedger(1)}}); err == nil {
		t.Error("Commit after Close succeeded")
	}
	if _, err := s.Load(t.Context()); err == nil {
		t.Error("Load after Close succeeded")
	}
	if _, err := s.History(t.Context(), store.Query{}); err == nil {
		t.Error("History after Close succeeded")
	}
}

func TestBackup(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, store.Options{})
	var last string
	for day := range 5 {
		commit(t, s, engine.Put{Record: sampleLedger(day)}, engine.Append{Event: sampleEvent(uint64(day+1), day)})
		path, err := s.Backup(t.Context(), start.AddDate(0, 0, day))
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.Backup(t.Context(), start.AddDate(0, 0, day).Add(time.Hour))
		if err != nil || again != path {
			t.Fatalf("%s, %v; want %s", again, err, path)
		}
		sqlite3Judge(t, path)
		last = path
	}
	entries, err := os.ReadDir(filepath.Join(dir, "daily"))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 3 || entries[2].Name() != "store-2026-11-24.db" {
		t.Errorf("kept: %v", entries)
	}
	want := load(t, s)
	closeStore(t, s)

	// The file is restored as the hint describes.
	if err := os.Rename(last, filepath.Join(dir, "store.db")); err != nil {
		t.Fatal(err)
	}
	got := load(t, openStore(t, dir, store.Options{}))
	if len(got.Ledgers) != len(want.Ledgers) || got.Seq != want.Seq {
		t.Errorf("%d ledgers, seq %d; want %d, %d", len(got.Ledgers), got.Seq, len(want.Ledgers), want.Seq)
	}
}
