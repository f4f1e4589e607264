//go:build linux

package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/bgtask/bgtask/internal/source"
	"github.com/bgtask/bgtask/task"
)

// Config says what a broker works with. The zero Config is the user's broker.
type Config struct {
	StateDir   string             // "": bgtask in $XDG_STATE_HOME, else ~/.local/state
	Socket     string             // "": where clients look for it
	Listener   *net.UnixListener  // the socket, when somebody else holds it (systemd); Run closes it
	Sockets    []source.Inherited // for SocketActivityTriggers, that somebody else holds
	ConfigFile string             // "": bgtask/config.toml in $XDG_CONFIG_HOME, else ~/.config
	Logger     *slog.Logger       // nil: slog.Default
	Version    string             // of bgtask, for people
	StartedBy  string             // "systemd socket", "on demand", "by hand"
	Commands   task.ClassServer   // serves command tasks; without an executable there are none
	Sources    []source.Chain     // nil: those of this machine
	Ready      func()             // called when clients are served; nil: nobody
}

// withDefaults fills in where things are.
func (c Config) withDefaults() (Config, error) {
	var err error
	if c.StateDir, err = StateDir(c.StateDir); err != nil {
		return c, err
	}
	if c.ConfigFile == "" {
		if c.ConfigFile, err = home("XDG_CONFIG_HOME", ".config", "bgtask/config.toml"); err != nil {
			return c, err
		}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

// StateDir gives the absolute path of the state directory dir; "" is the user's.
func StateDir(dir string) (string, error) {
	if dir == "" {
		return home("XDG_STATE_HOME", ".local/state", "bgtask")
	}
	return filepath.Abs(dir)
}

// home is a path below a directory of the XDG base directory specification.
func home(variable, def, rel string) (string, error) {
	if dir := os.Getenv(variable); filepath.IsAbs(dir) {
		return filepath.Join(dir, rel), nil
	}
	dir, err := os.UserHomeDir()
	if err != nil {
		return "", &task.Error{Op: "start", Subject: "the broker", Err: fmt.Errorf("%w: %w", task.ErrInvalid, err),
			Detail: "it is not known where your files are: neither " + variable + " nor HOME is set", Hint: "set HOME, or use --state"}
	}
	return filepath.Join(dir, def, rel), nil
}

// settings is the configuration file.
type settings struct {
	MinFreshness   period `toml:"min_freshness"`
	DefaultAccess  access `toml:"default_access"`
	RunsAtOnce     int    `toml:"runs_at_once"`
	RunsPerPackage int    `toml:"runs_per_package"`
	Launches       int    `toml:"launches"`
	RunLimit       period `toml:"run_limit"`
	StartTimeout   period `toml:"start_timeout"`
	CancelGrace    period `toml:"cancel_grace"`
	Probe          string `toml:"probe"` // "host:port" that has to be reachable for internet=yes

	PushDistributor string `toml:"push_distributor"` // name on the bus, or its last part
}

type period time.Duration

// UnmarshalText reads a duration: "15m".
func (p *period) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*p = period(d)
	return err
}

type access task.AccessStatus

// UnmarshalText reads WinRT's name of an access status.
func (a *access) UnmarshalText(text []byte) error {
	s, err := task.ParseAccess(string(text))
	*a = access(s)
	return err
}

// readSettings reads the configuration file; none is no settings. What is wrong
// is told with its line: a misspelled key must not be a default in silence.
func readSettings(path string) (settings, error) {
	var s settings
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	} else if err != nil {
		return s, configError(path, err.Error(), "")
	}
	defer file.Close()
	err = toml.NewDecoder(file).DisallowUnknownFields().Decode(&s)
	var unknown *toml.StrictMissingError
	var bad *toml.DecodeError
	switch {
	case err == nil:
		return s, s.check(path)
	case errors.As(err, &unknown) && len(unknown.Errors) > 0:
		bad = &unknown.Errors[0]
		line, _ := bad.Position()
		return s, configError(fmt.Sprintf("%s:%d", path, line), "there is no setting "+strings.Join(bad.Key(), "."), "settings are: "+settingNames)
	case errors.As(err, &bad):
		line, _ := bad.Position()
		return s, configError(fmt.Sprintf("%s:%d", path, line), strings.TrimPrefix(bad.Error(), "toml: "), "")
	}
	return s, configError(path, err.Error(), "")
}

const settingNames = "min_freshness, default_access, runs_at_once, runs_per_package, launches, run_limit, start_timeout, cancel_grace, probe, push_distributor"

func configError(where, detail, hint string) error {
	return &task.Error{Op: "read the configuration", Subject: where, Err: task.ErrInvalid, Detail: detail, Hint: hint}
}

// check refuses what is beyond a limit.
func (s settings) check(path string) error {
	var faults []error
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			faults = append(faults, configError(path, fmt.Sprintf(format, args...), ""))
		}
	}
	atLeast := func(name string, p period, least time.Duration) {
		refuse(p != 0 && time.Duration(p) < least, "%s is %v; it is at least %v", name, time.Duration(p), least)
	}
	atLeast("min_freshness", s.MinFreshness, time.Second)
	atLeast("run_limit", s.RunLimit, time.Second)
	atLeast("start_timeout", s.StartTimeout, time.Second)
	atLeast("cancel_grace", s.CancelGrace, 100*time.Millisecond)
	for name, n := range map[string]int{"runs_at_once": s.RunsAtOnce, "runs_per_package": s.RunsPerPackage, "launches": s.Launches} {
		refuse(n < 0 || n > 1000, "%s is %d; it is from 1 to 1,000", name, n)
	}
	return errors.Join(faults...)
}

func (s settings) policy() task.Policy {
	return task.Policy{
		MinFreshness:   time.Duration(s.MinFreshness),
		DefaultAccess:  task.AccessStatus(s.DefaultAccess),
		RunsAtOnce:     s.RunsAtOnce,
		RunsPerPackage: s.RunsPerPackage,
		Launches:       s.Launches,
		RunLimit:       time.Duration(s.RunLimit),
		StartTimeout:   time.Duration(s.StartTimeout),
		CancelGrace:    time.Duration(s.CancelGrace),
	}.WithDefaults()
}
