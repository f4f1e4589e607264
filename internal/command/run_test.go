//go:build linux

package command

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

func sh(script string) task.Activation {
	return task.Activation{
		Attempt: 2, Folder: "/data", Occurrence: task.Occurrence{Number: 7},
		Spec: task.Spec{Name: "backup", Command: &task.Command{Path: "/bin/sh", Args: []string{"-c", script}, Dir: "/", Env: []string{"PATH=/usr/bin:/bin", "GREETING=hello"}, Umask: 0o22}},
	}
}

// redirect replaces the standard streams of this process by files during a test,
// as the broker does.
func redirect(t *testing.T) (stdout string) {
	t.Helper()
	dir := t.TempDir()
	for _, to := range []struct {
		file **os.File
		name string
	}{{&os.Stdout, "out"}, {&os.Stderr, "err"}} {
		f, err := os.OpenFile(filepath.Join(dir, to.name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		old := *to.file
		*to.file = f
		t.Cleanup(func() { *to.file = old; _ = f.Close() })
	}
	return filepath.Join(dir, "out")
}

func TestOutcomes(t *testing.T) {
	redirect(t)
	if _, err := os.Stderr.WriteString("of an earlier run\n"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		script string
		retry  bool
		want   task.Result
	}{
		{"exit 0", false, task.Result{Outcome: task.Completed, Exit: "exit 0"}},
		{"echo oops >&2; exit 3", false, task.Result{Outcome: task.Failed, Exit: "exit 3", Text: "oops"}},
		{"exit 75", false, task.Result{Outcome: task.RetryAsked, Exit: "exit 75"}},
		{"exit 3", true, task.Result{Outcome: task.RetryAsked, Exit: "exit 3"}},
		{"kill -KILL $$", false, task.Result{Outcome: task.Crashed, Exit: "signal killed"}},
	} {
		a := sh(c.script)
		a.Spec.Command.Retry = c.retry
		if diff := cmp.Diff(c.want, run(t.Context(), a, nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.script, diff)
		}
	}
	missing := sh("")
	missing.Spec.Command.Path = "/no/such/program"
	if r := run(t.Context(), missing, nil); r.Outcome != task.Failed || !strings.Contains(r.Text, "/no/such/program: no such file") {
		t.Errorf("a missing program: %+v", r)
	}
}

// The command handles the signal and exits with 0; the run is canceled
// nevertheless.
func TestCancelIsASIGTERM(t *testing.T) {
	redirect(t)
	ready := filepath.Join(t.TempDir(), "ready")
	if err := syscall.Mkfifo(ready, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		_, _ = os.ReadFile(ready) // blocks until the command has set its trap
		cancel(task.ReasonConditionLoss)
	}()
	got := run(ctx, sh(`trap 'exit 0' TERM; echo >`+ready+`; while :; do sleep 1000 & wait $!; done`), nil)
	want := task.Result{Outcome: task.Canceled, Reason: task.ReasonConditionLoss, Exit: "exit 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Processes that the command leaves in its group have ended when the outcome is
// reported.
func TestTheWholeGroupIsEnded(t *testing.T) {
	stdout := redirect(t)
	if r := run(t.Context(), sh(`sleep 1000 & echo $!`), nil); r.Outcome != task.Completed {
		t.Fatalf("the run: %+v", r)
	}
	out, err := os.ReadFile(stdout)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process that was left behind still exists: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "env")
	if err := os.WriteFile(file, []byte("# secrets\n\nTOKEN=\"s e c\"\nexport GREETING='hi'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := sh("")
	a.Spec.Command.EnvFile = file
	own := []string{"HOME=/home/ann", "USER=ann", "LOGNAME=ann", "SHELL=/bin/zsh", "XDG_STATE_HOME=/state", "DISPLAY=:0", "PATH=/broker", "NOTIFY_SOCKET=/x", "SECRET=1", task.LaunchEnv + "=token", task.TreeEnv + "=token"}
	got, err := environment(own, a)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"BGTASK_ATTEMPT=2", "BGTASK_LOCAL_FOLDER=/data", "BGTASK_OCCURRENCE=7", "BGTASK_TASK=backup", task.TreeEnv + "=token",
		"DISPLAY=:0", "GREETING=hi", "HOME=/home/ann", "LOGNAME=ann", "PATH=/usr/bin:/bin", "SHELL=/bin/zsh", "TOKEN=s e c", "USER=ann", "XDG_STATE_HOME=/state",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheErrorOfABadEnvironmentFileHasNoSecrets(t *testing.T) {
	_, err := parseEnvFile("/f", "A=1\nmy secret\n")
	if err == nil || !strings.Contains(err.Error(), "line 2") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

func FuzzParseEnvFile(f *testing.F) {
	f.Add("A=1\n#\nexport B = '2'")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := parseEnvFile("/f", text)
		if err != nil {
			return
		}
		for _, v := range all {
			name, _, ok := strings.Cut(v, "=")
			if !ok || name == "" || strings.ContainsAny(v, "\x00\n") {
				t.Errorf("%q gives %q", text, v)
			}
		}
	})
}
