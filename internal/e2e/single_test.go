//go:build linux

package e2e

import (
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	_ "modernc.org/sqlite"
)

// daemon runs a broker that is expected to exit, and returns its output.
func (w *world) daemon(args ...string) (stderr string, code int) {
	w.t.Helper()
	_, stderr, code = w.bgtask(append([]string{"daemon"}, args...)...)
	return stderr, code
}

func TestOneBroker(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	holder := "pid " + strconv.Itoa(w.broker.pid)
	for name, args := range map[string][]string{
		"of the same socket":                             {"--state", w.path("other")},
		"of the same state directory":                    {"--socket", w.path("run/other/sock")},
		"of both":                                        nil,
		"of a socket in the same directory":              {"--state", w.path("other"), "--socket", filepath.Dir(w.socket()) + "/another"},
		"of the same state directory by another path":    {"--state", w.path("run/../state/bgtask"), "--socket", w.path("run/other/sock")},
		"of the same state directory by a symbolic link": {"--state", w.link("link", w.state()), "--socket", w.path("run/other/sock")},
	} {
		stderr, code := w.daemon(args...)
		if code == 0 || !strings.Contains(stderr, holder) {
			t.Errorf("a second broker %s: exit %d: %s", name, code, stderr)
		}
	}
	if _, err := w.user.Status(w.context()); err != nil {
		t.Errorf("the first one: %v", err)
	}
}

func (w *world) link(rel, to string) string {
	w.t.Helper()
	path := w.path(rel)
	if err := os.Symlink(to, path); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func TestTheSocketIsRemovedFromUnderTheBroker(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	for range 3 {
		if err := os.Remove(w.socket()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the broker listens again", w.listens)
		w.do("list")
		if info, err := os.Stat(w.socket()); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the new socket: %v, %v", info.Mode(), err)
		}
	}
	if !w.broker.alive() {
		t.Error("the broker ended")
	}
}

func TestAStateDirectoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	if err := os.MkdirAll(filepath.Dir(w.state()), 0o500); err != nil { // its owner could repair the directory itself
		t.Fatal(err)
	}
	cmd := w.command(w.binary, "daemon")
	w.another(cmd)
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "permission denied") || !strings.Contains(string(out), w.state()) {
		t.Errorf("%v: %s", err, out)
	}
}

func TestAStateDirectoryThatCannotBeMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	stderr, code := w.daemon("--state", filepath.Join(w.write("file", ""), "state"))
	if code == 0 || !strings.Contains(stderr, w.path("file")) {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

const nobody = 65534

// another runs cmd as a user to whom permissions apply: as nobody, if the test is root.
func (w *world) another(cmd *exec.Cmd) {
	w.t.Helper()
	if os.Getuid() != 0 {
		return
	}
	for _, dir := range []string{w.dir, w.path("run")} {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			w.t.Fatal(err)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
}

func TestADamagedStoreIsRefused(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Damage", many)
	for i := range 50 {
		w.register(p.Family, event(fmt.Sprint("task ", i), "go", manyClass))
	}
	w.handOver()
	w.sql("PRAGMA wal_checkpoint(TRUNCATE)")
	path := filepath.Join(w.state(), "store.db")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := append([]byte(nil), good...)
	for i := 8192; i < len(bad); i += 512 {
		bad[i] ^= 0xff
	}
	if err := os.WriteFile(path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	stderr, code := w.daemon()
	if code == 0 || !strings.Contains(stderr, "damaged") || !strings.Contains(stderr, "daily") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if now, err := os.ReadFile(path); err != nil || len(now) < len(bad) {
		t.Errorf("the damaged store was replaced: %d bytes, %v", len(now), err)
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(path + suffix)
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	w.start()
	if n := len(w.list()); n != 50 {
		t.Errorf("%d tasks are left", n)
	}
}

// sql runs a statement in the store of a broker that has ended.
func (w *world) sql(statement string) {
	w.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.state(), "store.db"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		w.t.Fatal(err)
	}
}

func TestANewerStoreIsRefused(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	w.handOver()
	w.sql("PRAGMA user_version = 4711")
	stderr, code := w.daemon()
	if code == 0 || !strings.Contains(stderr, "4711") || !strings.Contains(stderr, "newer") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if _, stderr, code := w.bgtask("list"); code != 5 || !strings.Contains(stderr, "newer") {
		t.Errorf("the command that starts a broker must report it: exit %d: %s", code, stderr)
	}
}

func TestABadConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "runs_at_once = 4\nmin_freshnes = \"1m\"\n")
	stderr, code := w.daemon()
	if code == 0 || !strings.Contains(stderr, "config.toml:2") || !strings.Contains(stderr, "min_freshnes") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

func TestThereIsNoPlaceForTheSocket(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	cmd := w.command(w.binary, "list")
	cmd.Env = append(cmd.Env, "XDG_RUNTIME_DIR=")
	if _, err := os.Stat(fmt.Sprintf("/run/user/%d", os.Getuid())); err == nil {
		cmd.Env = append(cmd.Env, "BGTASK_SOCKET=/proc/nothing/sock") // this machine has a runtime directory
	}
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 5 {
		t.Errorf("%v: %s", err, out)
	}
}
