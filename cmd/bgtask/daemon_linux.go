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
		Short: "Be the broker",
		Long: `Be the broker, until SIGTERM or 'bgtask daemon stop'.

SIGTERM is a hand-over: runs live on, and the next broker takes them over. It is
seldom started by hand: systemd does, or the first that needs one.`,
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
	c.Flags().StringVar(&cfg.Socket, "socket", "", "where clients find it")
	c.Flags().StringVar(&cfg.StateDir, "state", "", "the directory of its store")
	c.Flags().StringVar(&cfg.ConfigFile, "config", "", "the file of its policy")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "log what it does")
	c.AddCommand(newDaemonStop(a))
	return c
}

// commandServer is this very program: it serves the command tasks.
func commandServer() (task.ClassServer, error) {
	exe, err := os.Executable()
	if err != nil {
		return task.ClassServer{}, err
	}
	return task.ClassServer{Executable: exe, Arguments: []string{serveCommands}, Classes: []task.GUID{task.CommandClass}, Declared: "bgtask"}, nil
}

// inherited are the sockets that systemd holds: the broker's, nil when it holds
// none, and those for SocketActivityTriggers, whose units name bgtask.service, or
// which an earlier broker gave it to keep.
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
		for name = range named { // another supervisor, which gives no names
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
	return nil, nil, &task.Error{Op: "start", Subject: "the broker", Err: task.ErrInvalid, Detail: "one Unix socket is expected from the service manager as " + ownSocket,
		Hint: "look at " + ownSocket}
}

// ownSocket is the unit of the broker's own socket.
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
