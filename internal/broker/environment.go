//go:build linux

package broker

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// sessionVariables lead to the user's session. They change with it, so they are
// never stored and never the broker's own: they are the user manager's at launch.
var sessionVariables = []string{"DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "SSH_AUTH_SOCK"}

// ownVariables are meant for the broker's process and no other.
var ownVariables = []string{"NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "WATCHDOG_PID", "WATCHDOG_USEC",
	"INVOCATION_ID", "JOURNAL_STREAM", "MAINPID", "MANAGERPID", "MANAGERPIDFDID", "SYSTEMD_EXEC_PID", "MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE", "FDSTORE",
	"DBUS_STARTER_ADDRESS", "DBUS_STARTER_BUS_TYPE"}

const askManagerWithin = 2 * time.Second

// environment is what a class server is started with.
func (b *broker) environment(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, askManagerWithin)
	defer cancel()
	session, err := managerEnvironment(ctx)
	if err != nil {
		b.log.Debug("the user manager does not tell its environment", "err", err)
	}
	return launchEnvironment(os.Environ(), session, b.cfg.Socket)
}

// launchEnvironment is the broker's without what is the broker's own, with the
// variables of the session as the manager has them now.
func launchEnvironment(own, manager []string, socket string) []string {
	var env []string
	for _, e := range own {
		name, _, _ := strings.Cut(e, "=")
		if !slices.Contains(sessionVariables, name) && !slices.Contains(ownVariables, name) && !strings.HasPrefix(name, "BGTASK_") {
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

// managerEnvironment asks the user's service manager.
func managerEnvironment(ctx context.Context) ([]string, error) {
	conn, err := dialManager(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var env []string
	err = property(ctx, conn, "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager.Environment", &env)
	return env, err
}

// dialManager connects with the user's bus, where its service manager is.
func dialManager(ctx context.Context) (*dbus.Conn, error) {
	address := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	if dir := os.Getenv("XDG_RUNTIME_DIR"); address == "" && dir != "" {
		address = "unix:path=" + dir + "/bus"
	}
	if address == "" {
		return nil, os.ErrNotExist
	}
	return dbus.Connect(address, dbus.WithContext(ctx))
}

// property reads a property of an object.
func property(ctx context.Context, conn *dbus.Conn, service string, path dbus.ObjectPath, name string, value any) error {
	at := strings.LastIndexByte(name, '.')
	var v dbus.Variant
	err := conn.Object(service, path).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, name[:at], name[at+1:]).Store(&v)
	if err != nil {
		return err
	}
	return v.Store(value)
}
