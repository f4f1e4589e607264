//go:build linux

package store

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// TestFailedCommit checks that a failed commit returns a readable error and leaves
// nothing in the store, and that the store accepts no further commits.
func TestFailedCommit(t *testing.T) {
	tests := []struct {
		name  string
		fault func(t *testing.T, s *Store)
		words string
	}{
		{"disk full", func(t *testing.T, s *Store) { exec(t, s, "PRAGMA max_page_count = 1") }, "the disk is full"},
		{"read-only", func(t *testing.T, s *Store) { exec(t, s, "PRAGMA query_only = 1") }, "it cannot be written"},
		{"fsync", failSync, "the disk failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := mustOpen(t, dir)
			if err := s.Commit(t.Context(), bigWrites(1)); err != nil {
				t.Fatal(err)
			}
			tt.fault(t, s)
			err := s.Commit(t.Context(), bigWrites(2))
			if err == nil || !strings.Contains(err.Error(), tt.words) || !strings.Contains(err.Error(), s.path) || task.Hint(err) == "" {
				t.Fatalf("Commit: %v; hint: %s", err, task.Hint(err))
			}
			if again := s.Commit(t.Context(), bigWrites(3)); again != err {
				t.Errorf("the store accepted another commit: %v", again)
			}
			s.Close()
			st, err := mustOpen(t, dir).Load(t.Context())
			if err != nil || len(st.Ledgers) != 1 || st.Ledgers[0].Firing != 1 {
				t.Errorf("%d ledgers, %v", len(st.Ledgers), err)
			}
		})
	}
}

// bigWrites returns writes that need new pages.
func bigWrites(n uint64) []engine.Write {
	var id task.GUID
	id[0] = byte(n)
	return []engine.Write{engine.Put{Record: engine.Ledger{TaskID: id, LedgerHot: engine.LedgerHot{Firing: n}, LedgerCold: engine.LedgerCold{Text: strings.Repeat("x", 100_000)}}}}
}

func exec(t *testing.T, s *Store, statement string) {
	t.Helper()
	if _, err := s.conn.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// failSync replaces the log by /dev/null, where writing succeeds and syncing fails.
func failSync(t *testing.T, s *Store) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	replaced := 0
	for _, e := range fds {
		target, _ := os.Readlink(filepath.Join("/proc/self/fd", e.Name()))
		fd, err := strconv.Atoi(e.Name())
		if err != nil || target != s.path+"-wal" {
			continue
		}
		if err := unix.Dup3(int(null.Fd()), fd, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		replaced++
	}
	if replaced == 0 {
		t.Fatal("the log is not open")
	}
}

func mustOpen(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestNetworkFileSystems(t *testing.T) {
	if err := checkLocal(t.TempDir(), "--state"); err != nil {
		t.Errorf("a directory of this machine: %v", err)
	}
	err := refuseNetwork("/net/home", "NFS", "--state")
	if !errors.Is(err, ErrNetwork) || !strings.Contains(err.Error(), "NFS") || !strings.Contains(task.Hint(err), "--state") {
		t.Errorf("%v; hint: %s", err, task.Hint(err))
	}
	for magic, kind := range map[uint32]string{unix.NFS_SUPER_MAGIC: "NFS", unix.SMB2_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "CIFS",
		unix.V9FS_MAGIC: "9p", unix.AFS_SUPER_MAGIC: "AFS", unix.CODA_SUPER_MAGIC: "Coda", unix.CEPH_SUPER_MAGIC: "Ceph", unix.SMB_SUPER_MAGIC: "SMB"} {
		if networks[magic] != kind {
			t.Errorf("%#x is %q, want %q", magic, networks[magic], kind)
		}
	}
}

func TestRemoteFuse(t *testing.T) {
	const mounts = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:35 / /home/ann/far rw,nosuid shared:2 - fuse.sshfs ann@far:/ rw,user_id=1000
41 22 0:36 / /home/ann/vault rw shared:3 - fuse.gocryptfs /crypt rw
42 40 0:37 / /home/ann/far/near\040by rw shared:4 - ext4 /dev/vdb rw
43 22 0:38 / /home/ann/drive rw - fuse.rclone rclone rw
broken line
`
	for path, want := range map[string]string{
		"/home/ann/far":             "sshfs",
		"/home/ann/far/state":       "sshfs",
		"/home/ann/farther":         "",
		"/home/ann/vault/state":     "",
		"/home/ann/far/near by/dir": "",
		"/home/ann/drive":           "rclone",
	} {
		if got := remoteFuse(strings.NewReader(mounts), path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func TestMigrate(t *testing.T) {
	steps := []string{"CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (1, 2)", "DROP TABLE a; CREATE TABLE b (z)"}
	for from := range len(steps) + 1 {
		path := filepath.Join(t.TempDir(), "any.db")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		db, conn, err := openWriter(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		defer conn.Close()
		if err := migrate(t.Context(), conn, path, steps[:from]); err != nil {
			t.Fatal(err)
		}
		if err := migrate(t.Context(), conn, path, append(steps[:len(steps):len(steps)], "CREATE TABLE c (x); no SQL")); err == nil {
			t.Error("a broken step succeeded")
		}
		// The steps before the failed one are kept, and nothing of the failed one.
		if v, err := version(t.Context(), conn); err != nil || v != len(steps) {
			t.Errorf("from %d: version %d, %v", from, v, err)
		}
		var tables string
		if err := conn.QueryRowContext(t.Context(), "SELECT group_concat(name) FROM sqlite_schema").Scan(&tables); err != nil || tables != "b" {
			t.Errorf("from %d: tables %q, %v", from, tables, err)
		}
		if err := migrate(t.Context(), conn, path, steps[:1]); !errors.Is(err, ErrNewer) {
			t.Errorf("an older bgtask: %v", err)
		}
	}
}
