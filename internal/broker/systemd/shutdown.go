//go:build linux

package systemd

import (
	"context"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/task"
)

const (
	logind        = "org.freedesktop.login1"
	logindPath    = dbus.ObjectPath("/org/freedesktop/login1")
	logindManager = "org.freedesktop.login1.Manager"
)

// Ending reports whether the whole machine or the user's session is ending, and the
// reason to cancel runs for. It gives a SIGTERM its meaning: a manager that stops
// everything ends the runs too; otherwise the next broker takes them over.
func Ending(ctx context.Context) (reason task.CancellationReason, ending bool) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if shuttingDown(ctx) {
		return task.ReasonTerminating, true
	}
	if state, err := managerState(ctx); err == nil && state == "stopping" {
		return task.ReasonLoggingOff, true
	}
	return 0, false
}

func shuttingDown(ctx context.Context) bool {
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(ctx))
	if err != nil {
		return false
	}
	defer conn.Close()
	var preparing bool
	return property(ctx, conn, logind, logindPath, logindManager+".PreparingForShutdown", &preparing) == nil && preparing
}
