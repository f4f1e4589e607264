//go:build linux

package broker

import (
	"context"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// notify tells the service manager, if one started us, how we are.
func (b *broker) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		b.log.Warn("the service manager cannot be told", "state", state, "err", err)
	}
}

// feedWatchdog tells the service manager that the loop turns, if it wants to know.
func (b *broker) feedWatchdog() {
	every, err := daemon.SdWatchdogEnabled(false)
	if err != nil || every == 0 {
		return
	}
	beat := time.NewTicker(every / 3)
	defer beat.Stop()
	for {
		select {
		case <-beat.C:
			if b.query(b.life, func(engine.Instant) {}) == nil {
				b.notify(daemon.SdNotifyWatchdog)
			}
		case <-b.life.Done():
			return
		}
	}
}

const (
	logind        = "org.freedesktop.login1"
	logindPath    = dbus.ObjectPath("/org/freedesktop/login1")
	logindManager = "org.freedesktop.login1.Manager"
)

// stopForShutdown cancels all runs, in order, when the machine is about to shut down,
// which logind delays until we have ended.
func (b *broker) stopForShutdown(within time.Duration) {
	b.log.Info("the machine shuts down: all runs are ended", "within", within)
	b.inbox.urge(engine.StopAll{Request: newRequestID(), Reason: task.ReasonTerminating, Within: within})
}

// farewell says what a SIGTERM means: a manager that stops everything ends the
// runs too; else the next broker takes them over.
func (b *broker) farewell() (reason task.CancellationReason, all bool) {
	ctx, cancel := context.WithTimeout(b.life, askManagerWithin)
	defer cancel()
	if shuttingDown(ctx) {
		return task.ReasonTerminating, true
	}
	if managerStops(ctx) {
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

func managerStops(ctx context.Context) bool {
	state, err := managerState(ctx)
	return err == nil && state == "stopping"
}
