//go:build linux

package systemd

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

// Checks returns the findings of "bgtask doctor" about systemd. startedBy says what
// started this broker, as in Config.StartedBy of package broker.
func Checks(ctx context.Context, startedBy string) []task.Check {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return []task.Check{
			{Subject: "linger", Text: "systemd is not running here: the broker runs until it is stopped"},
			{Level: task.CheckWarn, Subject: "start", Text: "nothing starts the broker at your next login.", Fix: "have your session start: bgtask daemon"},
		}
	}
	dirs := unitDirs()
	checks := []task.Check{lingerCheck("/var/lib/systemd/linger"), startCheck(dirs), managerCheck(ctx)}
	if installed(dirs) && !slices.Contains([]string{"systemd", "systemd socket"}, startedBy) {
		checks = append(checks, task.Check{Level: task.CheckWarn, Subject: "unit", Fix: "bgtask daemon stop; systemctl --user start bgtask.socket",
			Text: fmt.Sprintf("this broker was started %s, so systemd does not restart it when it fails.", startedBy)})
	}
	return checks
}

// lingerCheck looks for the file in marks that logind makes for each user who
// lingers.
func lingerCheck(marks string) task.Check {
	u, err := user.Current()
	if err != nil {
		return task.Check{Level: task.CheckWarn, Subject: "linger", Text: "cannot look up your user name: " + err.Error()}
	}
	if _, err := os.Stat(filepath.Join(marks, u.Username)); err != nil {
		return task.Check{Level: task.CheckWarn, Subject: "linger", Text: "tasks stop when you log out.", Fix: "loginctl enable-linger " + u.Username}
	}
	return task.Check{Subject: "linger", Text: "tasks also run while you are logged out"}
}

// managerCheck asks for the state of the user's service manager. Without that
// manager a log-off looks like a restart, and launched programs have no display.
func managerCheck(ctx context.Context) task.Check {
	c := task.Check{Level: task.CheckWarn, Subject: "manager"}
	state, err := managerState(ctx)
	switch {
	case err != nil:
		c.Text = fmt.Sprintf("your service manager does not answer (%v), so tasks get no DISPLAY and no session bus, and are not canceled when you log out.", err)
		c.Fix = "install dbus-user-session, then log in again"
	case state == "running" || state == "degraded" || state == "starting":
		c.Level, c.Text = task.CheckOK, "your service manager is "+state
	default:
		c.Text, c.Fix = "your service manager is "+state+".", "systemctl --user status"
	}
	return c
}

func startCheck(unitDirs []string) task.Check {
	c := task.Check{Level: task.CheckWarn, Subject: "start", Text: "nothing starts the broker at your next login.", Fix: enableUnits}
	switch {
	case starts(unitDirs):
		return task.Check{Subject: "start", Text: "the broker is started at login"}
	case !installed(unitDirs):
		c.Text = "nothing starts the broker at your next login: its unit is not installed."
		c.Fix = "bgtask setup"
	case anyHas(unitDirs, "sockets.target.wants/bgtask.socket"):
		c.Text, c.Fix = "the broker starts at the first call, not at your next login: until then no timer fires.", "systemctl --user enable bgtask.service"
	}
	return c
}

// StartWarnings returns the warning for a registration that no broker will serve
// after the next login, because nothing starts one.
func StartWarnings() []string {
	if starts(unitDirs()) {
		return nil
	}
	return []string{"nothing starts the broker at your next login; 'bgtask doctor' shows how to change that"}
}

// unitDirs are the directories in which the user's service manager finds units and
// the links to those that it starts by itself.
func unitDirs() []string {
	dirs := []string{"/etc/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"}
	for variable, def := range map[string]string{"XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share"} {
		if dir := os.Getenv(variable); filepath.IsAbs(dir) {
			dirs = append(dirs, filepath.Join(dir, "systemd/user"))
		} else if home, err := os.UserHomeDir(); err == nil {
			dirs = append(dirs, filepath.Join(home, def, "systemd/user"))
		}
	}
	return dirs
}

// starts reports whether the service is started at login. The socket alone is not
// enough: perhaps no client connects to it.
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
