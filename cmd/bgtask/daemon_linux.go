package main

import (
	"errors"
	"log/slog"
	"net"
	"os"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/broker"
	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/source"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/task"
)

func newDaemon(a *app) *cobra.Command {
	var cfg broker.Config
	var verbose bool
	c := &cobra.Command{
		Use:   "daemon",
		Short: "Run the broker in the foreground",
		Long: `Run the broker in the foreground, until SIGTERM or 'bgtask daemon stop'.

There is rarely a reason to do this by hand: systemd starts the broker, or the
first program that needs it does. On SIGTERM the broker exits and leaves the runs
alone; the next broker takes them over.`,
		Args: verb.NoSubverb,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if cfg.Commands, err = commandServer(); err != nil {
				return err
			}
			if cfg.Listener, cfg.Sockets, err = inherited(); err != nil {
				return err
			}
			cfg.Version, cfg.StartedBy = version(), startedBy(cfg.Listener != nil)
			cfg.Logger = slog.New(slog.NewTextHandler(a.Stderr, &slog.HandlerOptions{Level: level(verbose)}))
			err = broker.Run(c.Context(), cfg)
			if held := (*store.LockedError)(nil); errors.As(err, &held) {
				return term.ExitsWith(err, client.ExitHeld)
			}
			return err
		},
	}
	c.Flags().StringVar(&cfg.Socket, "socket", "", "the `SOCKET` that clients connect to")
	c.Flags().StringVar(&cfg.StateDir, "state", "", "the `DIR` that holds the store")
	c.Flags().StringVar(&cfg.ConfigFile, "config", "", "the configuration `FILE`")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "log every step")
	c.AddCommand(newDaemonStop(a))
	return c
}

// commandServer returns the class server of the command tasks: this program.
func commandServer() (task.ClassServer, error) {
	exe, err := os.Executable()
	if err != nil {
		return task.ClassServer{}, err
	}
	return task.ClassServer{Executable: exe, Arguments: []string{serveCommands}, Classes: []task.GUID{task.CommandClass}, Declared: "bgtask"}, nil
}

// inherited returns the sockets that systemd passed: the broker's own, or nil, and those
// for SocketActivityTriggers. The latter belong to units that name bgtask.service, or an
// earlier broker gave them to systemd to keep.
func inherited() (own *net.UnixListener, others []source.Inherited, err error) {
	named, err := activation.ListenersWithNames()
	if err != nil {
		return nil, nil, err
	}
	for name, listeners := range named {
		for _, l := range listeners {
			if i := (source.Inherited{Listener: l, Name: name}); i.Kept() {
				others = append(others, i)
				delete(named, name)
			}
		}
	}
	if len(named) == 0 {
		return nil, others, nil
	}
	name := ownSocket
	if _, ok := named[name]; !ok && len(named) == 1 {
		for name = range named { // another supervisor, which passes no names
		}
	}
	for each, listeners := range named {
		if each == name {
			continue
		}
		for _, l := range listeners {
			others = append(others, source.Inherited{Listener: l, Name: each})
		}
	}
	if len(named[name]) == 1 {
		if l, ok := named[name][0].(*net.UnixListener); ok {
			return l, others, nil
		}
	}
	return nil, nil, &task.Error{Op: "start", Subject: "the broker", Err: task.ErrInvalid, Detail: "the service manager must pass exactly one Unix socket as " + ownSocket,
		Hint: "check the unit " + ownSocket}
}

// ownSocket is the unit of the socket that clients connect to.
const ownSocket = "bgtask.socket"

func startedBy(socket bool) string {
	switch {
	case socket:
		return "systemd socket"
	case os.Getenv("INVOCATION_ID") != "" && os.Getenv("NOTIFY_SOCKET") != "":
		return "systemd"
	case os.Getenv("DBUS_STARTER_ADDRESS") != "":
		return "by D-Bus"
	case term.IsTerminal(os.Stderr):
		return "by hand"
	}
	return "on demand"
}

func level(verbose bool) slog.Level {
	if verbose {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}
