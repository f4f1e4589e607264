//go:build linux

package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// killed makes a store of n commits and leaves its files in the state in which a killed
// broker leaves them: it copies them while the store is open.
func killed(t *testing.T, n uint64) string {
	t.Helper()
	s := mustOpen(t, t.TempDir())
	for i := range n {
		if err := s.Commit(t.Context(), tinyWrites(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	return copyOf(t, s.dir)
}

func tinyWrites(n uint64) []engine.Write {
	var id task.GUID
	id[0], id[1] = byte(n), byte(n>>8)
	return []engine.Write{engine.Put{Record: engine.Ledger{TaskID: id, LedgerHot: engine.LedgerHot{Firing: n}}}, engine.Append{Event: task.Event{Seq: n, TaskID: id}}}
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{fileName, fileName + "-wal", fileName + "-shm", markName} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(to, name), b)
	}
	return to
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// survivors opens the store and returns the number of commits in it.
func survivors(t *testing.T, dir string) (int, error) {
	t.Helper()
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	st, err := s.Load(t.Context())
	return len(st.Ledgers), err
}

// TestDamagedLog flips each bit of the log in turn, and truncates the log at many
// places. Either everything acknowledged is there, or the store is refused.
func TestDamagedLog(t *testing.T) {
	const commits = 10
	dir := killed(t, commits)
	whole := read(t, filepath.Join(dir, fileName+"-wal"))
	l, err := openLog(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	frame := len(l.buf)
	frames := (len(whole) - logHeaderSize) / frame
	if frames < commits {
		t.Fatalf("the log has %d frames", frames)
	}
	damage := map[string][]byte{"gone": nil, "empty": {}}
	flip := func(name string, at int) {
		b := bytes.Clone(whole)
		b[at] ^= 1 << (at % 8)
		damage[fmt.Sprintf("%s, byte %d", name, at)] = b
	}
	for at := range logHeaderSize {
		flip("header", at)
	}
	for n := range frames {
		start := logHeaderSize + n*frame
		for name, at := range map[string]int{"page number": 0, "commit mark": 7, "salt": 8, "checksum": 16, "page": frameHeaderSize + 100, "page's end": frame - 1} {
			flip(fmt.Sprintf("frame %d, %s", n+1, name), start+at)
		}
		for _, cut := range []int{0, 1, frameHeaderSize, frame / 2} {
			damage[fmt.Sprintf("cut off in frame %d after %d bytes", n+1, cut)] = whole[:start+cut]
		}
	}
	refused := 0
	for name, b := range damage {
		dir := copyOf(t, dir)
		path := filepath.Join(dir, fileName+"-wal")
		write(t, path, b)
		if b == nil {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		got, err := survivors(t, dir)
		switch {
		case errors.Is(err, ErrDamaged):
			refused++
			if task.Hint(err) == "" {
				t.Errorf("%s: the error has no hint: %v", name, err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case got != commits:
			t.Errorf("%s: the store was opened with %d of %d commits", name, got, commits)
		}
	}
	if refused != len(damage) {
		t.Errorf("%d of %d were refused", refused, len(damage))
	}
	if got, err := survivors(t, dir); err != nil || got != commits {
		t.Errorf("without damage: %d commits, %v", got, err)
	}
}

// TestLostFiles removes and exchanges the files of a store in every combination: with
// those of another store, and with those of an earlier time.
func TestLostFiles(t *testing.T) {
	const commits = 10
	now, other := killed(t, commits), killed(t, commits)
	early := func() string {
		s := mustOpen(t, t.TempDir())
		dir := ""
		for i := range uint64(commits) {
			if err := s.Commit(t.Context(), tinyWrites(i+1)); err != nil {
				t.Fatal(err)
			}
			if i == 4 {
				dir = copyOf(t, s.dir)
			}
		}
		now = copyOf(t, s.dir)
		return dir
	}()
	names := []string{fileName, fileName + "-wal", fileName + "-shm", markName}
	from := []string{now, "", other, early} // "": lost
	for choice := range 4 * 4 * 4 * 4 {
		dir, label, same := t.TempDir(), "", 0
		for i, name := range names {
			source := from[choice>>(2*i)&3]
			label += [...]string{"now", "lost", "other", "early"}[choice>>(2*i)&3] + " "
			if source == now {
				same++
			}
			if source != "" {
				write(t, filepath.Join(dir, name), read(t, filepath.Join(source, name)))
			}
		}
		whole := -1
		switch uniform := choice & 0xcf; { // the index does not count
		case choice&3 == 1 && choice>>2&3 == 1 && choice>>6&3 == 1:
			whole = 0 // without a trace of a store a new one is made
		case uniform == 0 || uniform == 2|2<<2|2<<6:
			whole = commits
		case uniform == 3|3<<2|3<<6, uniform == 3<<2|3<<6: // the log was not emptied since, so the two stores are equal
			whole = 5
		}
		got, err := survivors(t, dir)
		switch {
		case whole < 0 && err == nil && got == commits: // nothing is missing; only the mark is older
		case whole < 0 && !errors.Is(err, ErrDamaged):
			t.Errorf("store, log, index, mark: %s: %d commits, %v", label, got, err)
		case whole >= 0 && (err != nil || got != whole):
			t.Errorf("store, log, index, mark: %s: %d commits, %v; want %d", label, got, err, whole)
		}
	}
}

// TestTornLog checks that what a power failure can leave of the last transaction, which
// was not acknowledged, does not count as damage, and that the acknowledged ones are
// there.
func TestTornLog(t *testing.T) {
	const commits = 6
	s := mustOpen(t, t.TempDir())
	for i := range uint64(commits) {
		if err := s.Commit(t.Context(), tinyWrites(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	before := copyOf(t, s.dir)
	if err := s.Commit(t.Context(), tinyWrites(commits+1)); err != nil {
		t.Fatal(err)
	}
	after := read(t, filepath.Join(copyOf(t, s.dir), fileName+"-wal"))
	whole := read(t, filepath.Join(before, fileName+"-wal"))
	r := rand.New(rand.NewPCG(7, 7))
	for range 60 {
		torn := bytes.Clone(after)
		for at := len(whole); at < len(torn); at += 512 { // sectors reach the disk in any order
			if r.IntN(2) == 0 {
				clear(torn[at:min(at+512, len(torn))])
			}
		}
		dir := copyOf(t, before)
		write(t, filepath.Join(dir, fileName+"-wal"), torn)
		if got, err := survivors(t, dir); err != nil || got != commits && got != commits+1 {
			t.Fatalf("%d commits, %v", got, err)
		}
	}
}

// TestLaterTransaction checks that a transaction that follows a damaged one is detected
// without the mark.
func TestLaterTransaction(t *testing.T) {
	dir := killed(t, 10)
	path := filepath.Join(dir, fileName+"-wal")
	b := read(t, path)
	b[logHeaderSize+frameHeaderSize+10] ^= 1
	m, err := readMark(filepath.Join(dir, markName))
	if err != nil {
		t.Fatal(err)
	}
	m.Log = position{}
	if err := m.holds(bytes.NewReader(b), int64(len(b))); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
}

// TestCondemned checks that damage found by a commit is recorded, so that the next
// broker refuses the store.
func TestCondemned(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	if err := s.Commit(t.Context(), tinyWrites(1)); err != nil {
		t.Fatal(err)
	}
	var root int64
	if err := s.conn.QueryRowContext(t.Context(), "SELECT rootpage FROM sqlite_schema WHERE name = 'history_task'").Scan(&root); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, fileName)
	b := read(t, path)
	copy(b[(root-1)*4096:], bytes.Repeat([]byte{0x5a}, 512)) // a page that Load does not read
	write(t, path, b)

	s = mustOpen(t, dir)
	if err := s.Commit(t.Context(), tinyWrites(2)); !errors.Is(err, ErrDamaged) {
		t.Fatalf("Commit: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "an earlier broker found") {
			t.Fatalf("Open: %v", err)
		}
	}
}

// TestRemoved checks that a store whose directory was removed or exchanged refuses to
// commit.
func TestRemoved(t *testing.T) {
	for name, remove := range map[string]func(dir string) error{
		"removed": os.RemoveAll,
		"moved":   func(dir string) error { return os.Rename(dir, dir+".away") },
		"exchanged": func(dir string) error {
			if err := os.Rename(dir, dir+".away"); err != nil {
				return err
			}
			return os.CopyFS(dir, os.DirFS(dir+".away"))
		},
		"store": func(dir string) error { return os.Remove(filepath.Join(dir, fileName)) },
		"lock":  func(dir string) error { return os.Remove(filepath.Join(dir, lockName)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			s := mustOpen(t, dir)
			if err := s.Commit(t.Context(), tinyWrites(1)); err != nil {
				t.Fatal(err)
			}
			if err := remove(dir); err != nil {
				t.Fatal(err)
			}
			err := s.Commit(t.Context(), tinyWrites(2))
			if !errors.Is(err, errGone) || task.Hint(err) == "" {
				t.Errorf("Commit: %v; hint: %s", err, task.Hint(err))
			}
		})
	}
}

// TestRestore goes back to a daily copy. What was lost is shown first, the old files
// are set aside, and no cursor of the old history is accepted.
func TestRestore(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	for i := range uint64(3) {
		if err := s.Commit(t.Context(), append(tinyWrites(i+1), named(i+1))); err != nil {
			t.Fatal(err)
		}
	}
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	copied, err := s.Backup(t.Context(), day)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(3) {
		if err := s.Commit(t.Context(), append(tinyWrites(i+4), named(i+4))); err != nil {
			t.Fatal(err)
		}
	}
	dead := copyOf(t, dir)
	if err := os.CopyFS(filepath.Join(dead, backupDir), os.DirFS(filepath.Join(dir, backupDir))); err != nil {
		t.Fatal(err)
	}
	if _, err := Examine(t.Context(), dir); !errors.Is(err, ErrLocked) {
		t.Errorf("Examine beside a broker: %v", err)
	}
	log := filepath.Join(dead, fileName+"-wal")
	write(t, log, read(t, log)[:logHeaderSize])

	v, err := Examine(t.Context(), dead)
	if err != nil || !errors.Is(v.Refused, ErrDamaged) || len(v.Copies) != 1 {
		t.Fatalf("Examine: %+v, %v", v, err)
	}
	if c := v.Copies[0]; len(c.Tasks) != 3 || c.Tasks[0] != "p/task1" || c.Newest != 3 || c.Err != nil || c.Broken != 0 {
		t.Errorf("the copy: %+v", c)
	}
	aside, err := Restore(t.Context(), dead, filepath.Join(dead, backupDir, filepath.Base(copied)), day)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(aside, markName)); err != nil {
		t.Error(err)
	}
	r := mustOpen(t, dead)
	st, err := r.Load(t.Context())
	if err != nil || len(st.Registrations) != 3 || st.Seq != 6 {
		t.Fatalf("%d registrations, seq %d, %v", len(st.Registrations), st.Seq, err)
	}
	for _, err := range r.Events(t.Context(), 4, 6) {
		var cursor *task.CursorError
		if !errors.As(err, &cursor) {
			t.Errorf("a cursor of the old history: %v", err)
		}
	}
	if err := r.Commit(t.Context(), tinyWrites(7)); err != nil {
		t.Error(err)
	}
}

func named(n uint64) engine.Write {
	return engine.Put{Record: engine.Registration{TaskID: task.GUID{byte(n)}, Package: "p", Spec: task.Spec{Name: fmt.Sprintf("task%d", n)}}}
}

// TestKeep continues with what is left when there is no copy.
func TestKeep(t *testing.T) {
	dir := killed(t, 10)
	path := filepath.Join(dir, fileName+"-wal")
	b := read(t, path)
	write(t, path, b[:len(b)-1])
	if _, err := survivors(t, dir); !errors.Is(err, ErrDamaged) {
		t.Fatalf("before: %v", err)
	}
	if _, err := Keep(t.Context(), dir, time.Unix(0, 0)); err != nil {
		t.Fatal(err)
	}
	if got, err := survivors(t, dir); err != nil || got != 9 {
		t.Errorf("%d commits, %v", got, err)
	}
	s := mustOpen(t, dir)
	if s.history.newest != 10 {
		t.Errorf("number %d is given out twice", s.history.newest+1)
	}
}
