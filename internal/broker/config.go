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
