//go:build linux

package systemd

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
)

// sessionVariables lead to the user's session. They change with it, so they are
// never stored and never inherited from the broker: each launch gets the user
// manager's current values.
var sessionVariables = []string{"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK"}

// brokerVariables are meant for the broker's process only.
var brokerVariables = []string{"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "WATCHDOG_PID", "WATCHDOG_USEC",
	"INVOCATION_ID", "JOURNAL_STREAM", "MAINPID", "MANAGERPID", "MANAGERPIDFDID", "SYSTEMD_EXEC_PID", "MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE", "FDSTORE",
	"DBUS_STARTER_ADDRESS", "DBUS_STARTER_BUS_TYPE"}

// Environment returns the environment for a class server that is launched now by
// the broker on socket.
func Environment(ctx context.Context, socket string, log *slog.Logger) []string {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	session, err := managerEnvironment(ctx)
	if err != nil {
		log.Debug("cannot read the environment of the user's service manager", "err", err)
	}
	return launchEnvironment(os.Environ(), session, socket)
}

// launchEnvironment is the broker's environment without the variables that are
// meant for the broker alone, and with the manager's variables of the session.
func launchEnvironment(own, manager []string, socket string) []string {
	var env []string
	for _, e := range own {
		name, _, _ := strings.Cut(e, "=")
		if !slices.Contains(sessionVariables, name) && !slices.Contains(brokerVariables, name) && !strings.HasPrefix(name, "BGTASK_") {
			env = append(env, e)
		}
	}
	for _, e := range manager {
		name, _, _ := strings.Cut(e, "=")
		if slices.Contains(sessionVariables, name) {
			env = append(env, e)
		}
	}
	return append(env, "BGTASK_SOCKET="+socket)
}
