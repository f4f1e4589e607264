//go:build linux

package setup

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// Setup says for whom and from where bgtask is set up.
type Setup struct {
	Binary     string // the program that the units start: see Binary
	Config     string // the user's $XDG_CONFIG_HOME
	Data       string // the user's $XDG_DATA_HOME
	Root       string // the root directory in which packages install files; "/" outside of tests
	DryRun     bool   // report the steps, and take none
	Completion func(shell string, w io.Writer) error
	StopBroker func(context.Context) error // ends a running broker; returns nil when none runs
	Report     func(Step)                  // is called for each step, in order
}

// Step is one thing that was done, or with DryRun would be done.
type Step struct {
	Action string `json:"action"` // write, replace, keep, remove, run or stop
	What   string `json:"what"`   // a path or a command line
	Why    string `json:"why,omitempty"`
}

// Install writes the files that are missing or outdated, and enables the socket and
// the service. Calling it again changes nothing.
func (s *Setup) Install(ctx context.Context) error {
	if err := s.needsSystemd("setup"); err != nil {
		return err
	}
	changed, err := s.installUnits()
	if err != nil {
		return err
	}
	completions, err := s.completionFiles()
	if err != nil {
		return err
	}
	for _, f := range completions {
		if _, err := s.install(f, f.packaged()); err != nil {
			return err
		}
	}
	if err := s.systemctl(ctx, "daemon-reload"); err != nil {
		return err
	}
	if err := s.systemctl(ctx, "enable", "--now", socketName); err != nil {
		return err
	}
	if changed { // running tasks do not notice: a restart is a hand-over
		return s.systemctl(ctx, "try-restart", serviceName)
	}
	return nil
}

func (s *Setup) installUnits() (changed bool, err error) {
	units := s.unitFiles()
	packaged := anyPackaged(units)
	for _, f := range units {
		wrote, err := s.install(f, packaged)
		if err != nil {
			return false, err
		}
		changed = changed || wrote
	}
	return changed, nil
}

// install brings one file up to date. With a packaged copy it makes sure that nothing
// of ours shadows that.
func (s *Setup) install(f file, packaged string) (changed bool, err error) {
	now, err := f.state()
	if err != nil {
		return false, err
	}
	switch {
	case now == foreign:
		s.Report(Step{"keep", f.path, "it was not written by this program, or was edited"})
		return false, nil
	case packaged != "" && now == absent:
		s.Report(Step{"keep", packaged, "a package installed it; no copy shadows it"})
		return false, nil
	case packaged != "":
		return true, s.remove(f, "it would shadow "+packaged)
	case now == ours:
		s.Report(Step{"keep", f.path, "it is up to date"})
		return false, nil
	case now == stale:
		return true, s.write(f, "replace")
	}
	return true, s.write(f, "write")
}

func (s *Setup) write(f file, action string) error {
	s.Report(Step{Action: action, What: f.path})
	if s.DryRun {
		return nil
	}
	return f.write()
}

func (s *Setup) remove(f file, why string) error {
	s.Report(Step{"remove", f.path, why})
	if s.DryRun {
		return nil
	}
	return os.Remove(f.path)
}

// Remove ends the broker, disables the units and removes the files that Install wrote,
// except those that were edited. Tasks, their history and the configuration stay.
func (s *Setup) Remove(ctx context.Context) error {
	if err := s.needsSystemd("setup --remove"); err != nil {
		return err
	}
	completions, err := s.completionFiles()
	if err != nil {
		return err
	}
	units := s.unitFiles()
	if err := s.disable(ctx, units); err != nil {
		return err
	}
	for _, f := range append(units, completions...) {
		if err := s.uninstall(f); err != nil {
			return err
		}
	}
	return s.systemctl(ctx, "daemon-reload")
}

// disable comes before the files go: systemctl reads in them what to disable.
func (s *Setup) disable(ctx context.Context, units []file) error {
	s.Report(Step{Action: "stop", What: "the broker"})
	if !s.DryRun {
		if err := s.StopBroker(ctx); err != nil {
			return err
		}
	}
	for _, f := range units[:2] {
		now, err := f.state()
		if err != nil {
			return err
		}
		if now == absent && f.packaged() == "" {
			continue
		}
		if err := s.systemctl(ctx, "disable", "--now", filepath.Base(f.path)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Setup) uninstall(f file) error {
	now, err := f.state()
	switch {
	case err != nil || now == absent:
		return err
	case now == foreign:
		s.Report(Step{"keep", f.path, "it was not written by this program, or was edited"})
		return nil
	}
	return s.remove(f, "")
}

func (s *Setup) needsSystemd(op string) error {
	if _, err := exec.LookPath("systemctl"); err != nil {
		return &task.Error{Op: op, Err: task.ErrNotSupported, Detail: "systemctl is not in PATH; only systemd's user units are supported",
			Hint: "start 'bgtask daemon' when you log in; 'bgtask completion' prints shell completions"}
	}
	return nil
}

func (s *Setup) systemctl(ctx context.Context, args ...string) error {
	args = append([]string{"--user"}, args...)
	line := "systemctl " + strings.Join(args, " ")
	s.Report(Step{Action: "run", What: line})
	if s.DryRun {
		return nil
	}
	if out, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput(); err != nil {
		return &task.Error{Op: "setup", Subject: line, Err: task.ErrUnavailable, Detail: strings.TrimSpace(string(out)) + " (" + err.Error() + ")",
			Hint: "log in as this user, not with su or sudo, so that a service manager runs; then repeat it"}
	}
	return nil
}

// SocketActive reports whether systemd holds the broker's socket, and so starts the
// broker again at the next call.
func SocketActive(ctx context.Context) bool {
	return exec.CommandContext(ctx, "systemctl", "--user", "--quiet", "is-active", socketName).Run() == nil
}
