//go:build linux

package store_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/store"
)

// written makes a store with several pages and a daily copy, and returns its state.
func written(t *testing.T, dir string) engine.State {
	t.Helper()
	s := openStore(t, dir, store.Options{})
	for n := range 100 {
		commit(t, s, engine.Put{Record: sampleRegistration(n)}, engine.Put{Record: sampleLedger(n)}, engine.Append{Event: sampleEvent(uint64(n+1), n)})
	}
	if _, err := s.Backup(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	st := load(t, s)
	closeStore(t, s)
	return st
}

func openAndLoad(t *testing.T, dir string) (engine.State, error) {
	t.Helper()
	s, err := store.Open(t.Context(), dir, store.Options{})
	if err != nil {
		return engine.State{}, err
	}
	defer s.Close()
	return s.Load(t.Context())
}

func TestDamagedIsRefused(t *testing.T) {
	dir := t.TempDir()
	written(t, dir)
	path := filepath.Join(dir, "store.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, len(whole))
	if _, err := rand.NewChaCha8([32]byte{}).Read(noise); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"empty", nil, store.ErrDamaged},
		{"one byte", whole[:1], store.ErrDamaged},
		{"header", whole[:100], store.ErrDamaged},
		{"one page", whole[:4096], store.ErrDamaged},
		{"half", whole[:len(whole)/2], store.ErrDamaged},
		{"a page short", whole[:len(whole)-4096], store.ErrDamaged},
		{"noise", noise, store.ErrNotOurs},
		{"noise after the header", append(bytes.Clone(whole[:100]), noise[100:]...), store.ErrDamaged},
		{"text", bytes.Repeat([]byte("this is no database\n"), 10), store.ErrNotOurs},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(path, tt.data, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := openAndLoad(t, dir)
			refused(t, err, tt.want, path, filepath.Join(dir, "daily", "store-2026-11-20.db"))
			left, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(left, tt.data) {
				t.Errorf("the file was changed: %d bytes, were %d; %v", len(left), len(tt.data), err)
			}
		})
	}
}

func TestMissingIsRefusedWhenThereWasOne(t *testing.T) {
	dir := t.TempDir()
	written(t, dir)
	if err := os.Remove(filepath.Join(dir, "store.db")); err != nil {
		t.Fatal(err)
	}
	_, err := openAndLoad(t, dir)
	refused(t, err, store.ErrDamaged, "it is gone", "store-2026-11-20.db")
}

// TestFlippedBits checks that a state that is loaded equals the one that was committed,
// whatever the disk did to the file.
func TestFlippedBits(t *testing.T) {
	dir := t.TempDir()
	want := written(t, dir)
	path := filepath.Join(dir, "store.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	found := 0
	for range 150 {
		data := bytes.Clone(whole)
		at := r.IntN(len(data))
		data[at] ^= byte(1 + r.IntN(255))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := openAndLoad(t, dir)
		if err != nil {
			found++
			if !errors.Is(err, store.ErrDamaged) && !errors.Is(err, store.ErrNotOurs) && !errors.Is(err, store.ErrNewer) {
				t.Errorf("byte %d: %v", at, err)
			}
			continue
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("byte %d was changed and not found", at)
		}
	}
	if found < 30 {
		t.Errorf("only %d of 150 were found", found)
	}
}

// TestUncleanIsChecked checks that after a crash the trees are verified before anything
// relies on them. This includes the tree of history, which Load does not read.
func TestUncleanIsChecked(t *testing.T) {
	dir := t.TempDir()
	written(t, dir)
	path := filepath.Join(dir, "store.db")
	root, err := strconv.Atoi(sqlite3(t, path, "SELECT rootpage FROM sqlite_schema WHERE name = 'history_task'"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(data[(root-1)*4096:], bytes.Repeat([]byte{0x5a}, 512))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+"-wal", []byte("left behind"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = openAndLoad(t, dir)
	refused(t, err, store.ErrDamaged, "daily")
}

func TestNewerIsRefused(t *testing.T) {
	dir := t.TempDir()
	written(t, dir)
	path := filepath.Join(dir, "store.db")
	sqlite3(t, path, "PRAGMA user_version = 99")
	_, err := openAndLoad(t, dir)
	refused(t, err, store.ErrNewer, path, "version 99", "newer bgtask")
}

func TestAnotherProgramsDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	sqlite3(t, path, "CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)")
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = openAndLoad(t, dir)
	refused(t, err, store.ErrNotOurs, path, "another program", "--state")
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed; %v", err)
	}
}

// TestNowhereToWrite uses /proc, where not even root can create directories.
func TestNowhereToWrite(t *testing.T) {
	if _, err := store.Open(t.Context(), "/proc/bgtask/state", store.Options{}); err == nil {
		t.Error("a store was opened in /proc")
	}
}
