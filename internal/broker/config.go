//go:build linux

package broker

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/bgtask/bgtask/internal/source"
	"github.com/bgtask/bgtask/task"
)

// Config is what a broker works with. The zero Config is that of the user's broker.
type Config struct {
	StateDir   string             // default: bgtask in $XDG_STATE_HOME or ~/.local/state
	Socket     string             // default: where clients look for it
	Listener   *net.UnixListener  // the socket, when the service manager made it; Run closes it
	Sockets    []source.Inherited // sockets of SocketActivityTriggers that the service manager holds
	ConfigFile string             // default: bgtask/config.toml in $XDG_CONFIG_HOME or ~/.config
	Logger     *slog.Logger       // default: slog.Default()
	Version    string             // of bgtask, for people
	StartedBy  string             // what started it, for people: "systemd socket", "on demand", "by hand"
	Commands   task.ClassServer   // serves command tasks; without an executable they cannot run
	Sources    []source.Chain     // default: those of this machine
	Ready      func()             // called on the loop when clients are served; may be nil
}

// withDefaults fills in the paths and the logger.
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

// StateDir returns the absolute path of the state directory dir. "" means the user's.
func StateDir(dir string) (string, error) {
	if dir == "" {
		return home("XDG_STATE_HOME", ".local/state", "bgtask")
	}
	return filepath.Abs(dir)
}

// home returns a path below a directory of the XDG base directory specification: that in
// variable, or def in the home directory.
func home(variable, def, rel string) (string, error) {
	if dir := os.Getenv(variable); filepath.IsAbs(dir) {
		return filepath.Join(dir, rel), nil
	}
	dir, err := os.UserHomeDir()
	if err != nil {
		return "", &task.Error{Op: "start", Subject: "the broker", Err: fmt.Errorf("%w: %w", task.ErrInvalid, err),
			Detail: "cannot locate its files: neither " + variable + " nor HOME is set", Hint: "set HOME, or use --state"}
	}
	return filepath.Join(dir, def, rel), nil
}
