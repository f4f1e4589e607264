//go:build linux

package broker

import (
	"context"
	"os"
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
	inhibitMargin = 500 * time.Millisecond // of the delay that logind grants
	inhibitLeast  = time.Second
)

// watchLogind cancels all runs, in order, when the machine is about to shut down:
// it delays the shutdown until they have ended, as long as logind lets it.
func (b *broker) watchLogind() {
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(b.life))
	if err != nil {
		b.log.Info("a shutdown is noticed only by its signal: there is no system bus", "err", err)
		return
	}
	defer conn.Close()
	if err := conn.AddMatchSignal(dbus.WithMatchInterface(logindManager), dbus.WithMatchMember("PrepareForShutdown"), dbus.WithMatchSender(logind)); err != nil {
		b.log.Info("a shutdown is noticed only by its signal: logind does not answer", "err", err)
		return
	}
	signals := make(chan *dbus.Signal, 8)
	conn.Signal(signals)
	delay := b.inhibit(conn)
	if delay == nil {
		return
	}
	defer delay.Close()
	for {
		select {
		case s, ok := <-signals:
			if !ok {
				return
			}
			if starts, ok := s.Body[0].(bool); !ok || !starts {
				continue
			}
			b.stopForShutdown(b.delayOf(conn))
			<-b.life.Done()
			return
		case <-b.life.Done():
			return
		}
	}
}

// inhibit holds a delay lock until it is closed.
func (b *broker) inhibit(conn *dbus.Conn) *os.File {
	var fd dbus.UnixFD
	err := conn.Object(logind, logindPath).CallWithContext(b.life, logindManager+".Inhibit", 0,
		"shutdown", "bgtask", "background tasks are being ended", "delay").Store(&fd)
	if err != nil {
		b.log.Info("a shutdown cannot be delayed", "err", err)
		return nil
	}
	return os.NewFile(uintptr(fd), "inhibitor")
}

// delayOf is how long logind waits for us.
func (b *broker) delayOf(conn *dbus.Conn) time.Duration {
	var usec uint64
	if property(b.life, conn, logind, logindPath, logindManager+".InhibitDelayMaxUSec", &usec) != nil {
		usec = 5_000_000 // its default
	}
	return max(time.Duration(usec)*time.Microsecond-inhibitMargin, inhibitLeast)
}

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
