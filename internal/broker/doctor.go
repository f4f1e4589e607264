//go:build linux

package broker

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"

	"github.com/bgtask/bgtask/task"
)

const enableUnits = "systemctl --user enable --now bgtask.socket"

// checks are what only the broker knows for "bgtask doctor".
func (b *broker) checks(ctx context.Context) []task.Check {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return []task.Check{
			{Subject: "linger", Text: "there is no systemd here: the broker runs for as long as nobody ends it"},
			{Level: task.CheckWarn, Subject: "start", Text: "nothing starts the broker at your next login.", Fix: "have your session start: bgtask daemon"},
		}
	}
	dirs := unitDirs()
	checks := []task.Check{lingerCheck("/var/lib/systemd/linger"), startCheck(dirs), managerCheck(ctx)}
	if installed(dirs) && !slices.Contains([]string{"systemd", "systemd socket"}, b.cfg.StartedBy) {
		checks = append(checks, task.Check{Level: task.CheckWarn, Subject: "unit", Fix: "bgtask daemon stop; systemctl --user start bgtask.socket",
			Text: fmt.Sprintf("this broker was started %s: systemd does not start it again when it fails.", b.cfg.StartedBy)})
	}
	return checks
}

// lingerCheck looks at the marks that logind makes for users who linger.
func lingerCheck(marks string) task.Check {
	u, err := user.Current()
	if err != nil {
		return task.Check{Level: task.CheckWarn, Subject: "linger", Text: "it is not known who you are: " + err.Error()}
	}
	if _, err := os.Stat(filepath.Join(marks, u.Username)); err != nil {
		return task.Check{Level: task.CheckWarn, Subject: "linger", Text: "tasks stop when you log out.", Fix: "loginctl enable-linger " + u.Username}
	}
	return task.Check{Subject: "linger", Text: "tasks run also while you are logged out"}
}

// managerCheck asks the user's service manager how it is. Without it a log-off
// cannot be told from a restart, and launched programs know no display.
func managerCheck(ctx context.Context) task.Check {
	c := task.Check{Level: task.CheckWarn, Subject: "manager"}
	state, err := managerState(ctx)
	switch {
	case err != nil:
		c.Text = fmt.Sprintf("your service manager does not answer (%v): tasks get no DISPLAY and no session bus, and a log-off is not told to them.", err)
		c.Fix = "install dbus-user-session, and log in again"
	case state == "running" || state == "degraded" || state == "starting":
		c.Level, c.Text = task.CheckOK, "your service manager is "+state
	default:
		c.Text, c.Fix = "your service manager is "+state+".", "systemctl --user status"
	}
	return c
}

func managerState(ctx context.Context) (state string, err error) {
	ctx, cancel := context.WithTimeout(ctx, askManagerWithin)
	defer cancel()
	conn, err := dialManager(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	err = property(ctx, conn, "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager.SystemState", &state)
	return state, err
}

func startCheck(unitDirs []string) task.Check {
	c := task.Check{Level: task.CheckWarn, Subject: "start", Text: "nothing starts the broker at your next login.", Fix: enableUnits}
	switch {
	case starts(unitDirs):
		return task.Check{Subject: "start", Text: "the broker is started at login"}
	case !installed(unitDirs):
		c.Text = "nothing starts the broker at your next login: its unit is not installed."
		c.Fix = "install bgtask as a package, or by packaging/install of its sources"
	case anyHas(unitDirs, "sockets.target.wants/bgtask.socket"):
		c.Text, c.Fix = "the broker starts at the first call, not at your next login: no timer fires before.", "systemctl --user enable bgtask.service"
	}
	return c
}

// startWarning is for those who register: it says when nothing will start a
// broker at the next login.
func (b *broker) startWarning() []string {
	if starts(unitDirs()) {
		return nil
	}
	return []string{"nothing starts the broker at your next login: 'bgtask doctor' says what to do"}
}

// unitDirs are where the user's service manager finds units, and what it starts by
// itself.
func unitDirs() []string {
	dirs := []string{"/etc/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"}
	for variable, def := range map[string]string{"XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share"} {
		if dir, err := home(variable, def, "systemd/user"); err == nil {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// starts says whether the service is started at login. The socket alone is not
// enough: nobody may call.
func starts(unitDirs []string) bool {
	return anyHas(unitDirs, "default.target.wants/bgtask.service")
}

func installed(unitDirs []string) bool { return anyHas(unitDirs, "bgtask.service") }

func anyHas(dirs []string, rel string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool {
		_, err := os.Lstat(filepath.Join(dir, rel))
		return err == nil
	})
}
