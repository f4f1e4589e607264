//go:build linux

package setup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

// home is a user's home directory, on a machine whose systemctl records its calls.
type home struct {
	*Setup
	t       *testing.T
	calls   string // the file that systemctl appends to
	steps   []Step
	stopped int
}

func newHome(t *testing.T) *home {
	t.Helper()
	dir := t.TempDir()
	h := &home{t: t, calls: filepath.Join(dir, "calls")}
	h.Setup = &Setup{
		Binary: "/home/ann/go/bin/bgtask",
		Config: filepath.Join(dir, "home/.config"), Data: filepath.Join(dir, "home/.local/share"), Root: filepath.Join(dir, "root"),
		Completion: func(shell string, w io.Writer) error {
			_, err := fmt.Fprintf(w, "# for %s\n", shell)
			return err
		},
		StopBroker: func(context.Context) error { h.stopped++; return nil },
		Report:     func(s Step) { h.steps = append(h.steps, s) },
	}
	h.write(filepath.Join(dir, "bin/systemctl"), "#!/bin/sh\necho \"$*\" >>"+h.calls+"\n")
	t.Setenv("PATH", filepath.Join(dir, "bin")+":/usr/bin:/bin")
	return h
}

func (h *home) write(path, content string) {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) read(path string) string {
	h.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(data)
}

// systemctls returns the calls since the last time it was called.
func (h *home) systemctls() []string {
	h.t.Helper()
	data, err := os.ReadFile(h.calls)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.t.Fatal(err)
	}
	if err := os.RemoveAll(h.calls); err != nil {
		h.t.Fatal(err)
	}
	return strings.Fields(strings.ReplaceAll(strings.ReplaceAll(string(data), " ", "_"), "--user_", ""))
}

// files returns what is below the user's directories.
func (h *home) files() []string {
	h.t.Helper()
	var all []string
	base := filepath.Dir(h.Config)
	err := filepath.WalkDir(base, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !e.IsDir() {
			all = append(all, strings.TrimPrefix(path, base+"/"))
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

func (h *home) do(act func(context.Context) error) {
	h.t.Helper()
	h.steps = nil
	if err := act(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *home) actions() []string {
	var all []string
	for _, s := range h.steps {
		all = append(all, s.Action)
	}
	return all
}

func (h *home) wants(what string, got, want any) {
	h.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

var everything = []string{
	".config/fish/completions/bgtask.fish",
	".config/systemd/user/bgtask.service",
	".config/systemd/user/bgtask.socket",
	".local/share/bash-completion/completions/bgtask",
	".local/share/dbus-1/services/io.github.bgtask.Broker.service",
	".local/share/zsh/site-functions/_bgtask",
}

func TestInstallAndRemove(t *testing.T) {
	h := newHome(t)
	h.do(h.Install)
	h.wants("files after install", h.files(), everything)
	h.wants("systemctl", h.systemctls(), []string{"daemon-reload", "enable_--now_bgtask.socket", "try-restart_bgtask.service"})
	service := h.read(filepath.Join(h.Config, "systemd/user/bgtask.service"))
	if !strings.Contains(service, "\nExecStart=/home/ann/go/bin/bgtask daemon\n") {
		t.Errorf("the unit starts another program:\n%s", service)
	}
	if bus := h.read(filepath.Join(h.Data, "dbus-1/services/io.github.bgtask.Broker.service")); !strings.Contains(bus, "\nExec=/home/ann/go/bin/bgtask daemon\n") {
		t.Errorf("the D-Bus file starts another program:\n%s", bus)
	}

	h.do(h.Install) // again
	h.wants("steps of the second install", h.actions(), []string{"keep", "keep", "keep", "keep", "keep", "keep", "run", "run"})
	h.wants("systemctl of the second install", h.systemctls(), []string{"daemon-reload", "enable_--now_bgtask.socket"})

	h.do(h.Remove)
	h.wants("files after remove", h.files(), []string(nil))
	h.wants("systemctl of remove", h.systemctls(), []string{"disable_--now_bgtask.service", "disable_--now_bgtask.socket", "daemon-reload"})
	h.wants("brokers stopped", h.stopped, 1)
	h.do(h.Remove) // again
	h.wants("systemctl of the second remove", h.systemctls(), []string{"daemon-reload"})
}

func TestAnotherBinaryReplacesTheFiles(t *testing.T) {
	h := newHome(t)
	h.do(h.Install)
	h.systemctls()
	h.Binary = "/home/ann/.local/bin/bgtask"
	h.do(h.Install)
	h.wants("steps", h.actions(), []string{"replace", "keep", "replace", "keep", "keep", "keep", "run", "run", "run"})
	if service := h.read(filepath.Join(h.Config, "systemd/user/bgtask.service")); !strings.Contains(service, h.Binary) {
		t.Errorf("the unit starts the old program:\n%s", service)
	}
	if calls := h.systemctls(); !slices.Contains(calls, "try-restart_bgtask.service") {
		t.Errorf("the broker of the old program was not restarted: %q", calls)
	}
}

func TestEditedFilesStay(t *testing.T) {
	h := newHome(t)
	h.do(h.Install)
	service := filepath.Join(h.Config, "systemd/user/bgtask.service")
	edited := strings.Replace(h.read(service), "RestartSec=2", "RestartSec=9", 1)
	h.write(service, edited)
	h.do(h.Install)
	h.wants("the edited unit after install", h.read(service), edited)
	h.do(h.Remove)
	h.wants("files after remove", h.files(), []string{".config/systemd/user/bgtask.service"})
	h.wants("the edited unit after remove", h.read(service), edited)
}

// TestAPackageIsNotShadowed covers a package that is there before setup, and one that
// is installed after it.
func TestAPackageIsNotShadowed(t *testing.T) {
	for _, before := range []bool{true, false} {
		h := newHome(t)
		if !before {
			h.do(h.Install)
			h.systemctls()
		}
		h.write(filepath.Join(h.Root, "usr/lib/systemd/user/bgtask.service"), "[Service]\n")
		h.write(filepath.Join(h.Root, "usr/share/zsh/vendor-completions/_bgtask"), "#compdef bgtask\n")
		h.do(h.Install)
		h.wants("files", h.files(), []string{".config/fish/completions/bgtask.fish", ".local/share/bash-completion/completions/bgtask"})
		if calls := h.systemctls(); !slices.Contains(calls, "enable_--now_bgtask.socket") {
			t.Errorf("the package's socket is not enabled: %q", calls)
		}
		h.do(h.Remove)
		h.wants("files after remove", h.files(), []string(nil))
		if calls := h.systemctls(); !slices.Contains(calls, "disable_--now_bgtask.service") {
			t.Errorf("the package's service is not disabled: %q", calls)
		}
		if _, err := os.Stat(filepath.Join(h.Root, "usr/lib/systemd/user/bgtask.service")); err != nil {
			t.Errorf("the package's unit: %v", err)
		}
	}
}

func TestDryRunDoesNothing(t *testing.T) {
	h := newHome(t)
	h.DryRun = true
	h.do(h.Install)
	h.wants("steps of install", h.actions(), []string{"write", "write", "write", "write", "write", "write", "run", "run", "run"})
	h.do(h.Remove)
	h.wants("files", h.files(), []string(nil))
	h.wants("systemctl", h.systemctls(), []string{})
	h.wants("brokers stopped", h.stopped, 0)
}

func TestNoServiceManager(t *testing.T) {
	h := newHome(t)
	h.write(filepath.Join(filepath.Dir(h.calls), "bin/systemctl"), "#!/bin/sh\necho Failed to connect to bus >&2; exit 1\n")
	err := h.Install(t.Context())
	if !errors.Is(err, task.ErrUnavailable) || !strings.Contains(err.Error(), "Failed to connect to bus") {
		t.Errorf("install said %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if err := h.Install(t.Context()); !errors.Is(err, task.ErrNotSupported) {
		t.Errorf("install without systemctl said %v", err)
	}
}

func TestLasting(t *testing.T) {
	for path, detail := range map[string]string{
		"/usr/bin/bgtask":                           "",
		"/home/ann/go/bin/bgtask":                   "",
		"/home/ann b/bin/bgtask":                    "cannot name",
		"/home/ann/%h/bgtask":                       "cannot name",
		"/tmp/go-build1/b1/bgtask":                  "temporary",
		"/tmp/bgtask":                               "temporary",
		"/home/ann/.cache/go-build/3f/3fd-d/bgtask": "temporary",
		"/home/ann/bgtask (deleted)":                "temporary",
	} {
		err := lasting(path)
		if (err == nil) != (detail == "") || err != nil && !strings.Contains(err.Error(), detail) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
