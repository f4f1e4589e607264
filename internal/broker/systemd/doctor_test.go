//go:build linux

package systemd

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/task"
)

// touch makes empty files below a new directory.
func touch(t *testing.T, files ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, rel := range files {
		path := filepath.Join(dir, rel)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestStartCheck(t *testing.T) {
	const service, socket = "default.target.wants/bgtask.service", "sockets.target.wants/bgtask.socket"
	for _, c := range []struct {
		units []string
		level task.CheckLevel
		fix   string
	}{
		{nil, task.CheckWarn, "bgtask setup"},
		{[]string{"bgtask.service", "bgtask.socket"}, task.CheckWarn, enableUnits},
		{[]string{"bgtask.service", "bgtask.socket", socket}, task.CheckWarn, "enable bgtask.service"},
		{[]string{"bgtask.service", "bgtask.socket", socket, service}, task.CheckOK, ""},
	} {
		got := startCheck([]string{"/nowhere", touch(t, c.units...)})
		if got.Level != c.level || !strings.Contains(got.Fix, c.fix) || (got.Fix == "") != (c.level == task.CheckOK) {
			t.Errorf("with %v: %+v", c.units, got)
		}
	}
}

func TestLingerCheck(t *testing.T) {
	u, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if c := lingerCheck(touch(t, "another-user")); c.Level != task.CheckWarn || c.Fix != "loginctl enable-linger "+u.Username {
		t.Errorf("without linger: %+v", c)
	}
	if c := lingerCheck(touch(t, u.Username)); c.Level != task.CheckOK || c.Fix != "" {
		t.Errorf("with linger: %+v", c)
	}
}

func TestManagerCheckWithoutABus(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "bus"))
	if c := managerCheck(t.Context()); c.Level != task.CheckWarn || c.Fix == "" {
		t.Errorf("no manager answers: %+v", c)
	}
}
