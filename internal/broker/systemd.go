//go:build linux

package broker

import (
	"context"
	"errors"
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
// it delays the shutdown until they have ended, as long as logind lets it. A logind
// that is not there yet, or is started anew, is waited for.
func (b *broker) watchLogind() {
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(b.life))
	if err != nil {
		b.log.Info("a shutdown is noticed only by its signal: there is no system bus", "err", err)
		return
	}
	defer conn.Close()
	signals := make(chan *dbus.Signal, 8)
	conn.Signal(signals)
	err = errors.Join(
		conn.AddMatchSignal(dbus.WithMatchInterface(logindManager), dbus.WithMatchMember("PrepareForShutdown"), dbus.WithMatchSender(logind)),
		conn.AddMatchSignal(dbus.WithMatchSender(busName), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, logind)))
	if err != nil {
		b.log.Info("a shutdown is noticed only by its signal: the bus does not answer", "err", err)
		return
	}
	l := &logindLock{broker: b, conn: conn}
	defer l.release()
	for l.take(); ; {
		select {
		case s, ok := <-signals:
			switch {
			case !ok:
				return
			case s.Sender == busName && s.Name == busName+".NameOwnerChanged":
				l.take()
			case l.shutsDown(s):
				b.stopForShutdown(b.delayOf(conn))
				<-b.life.Done()
				return
			}
		case <-b.life.Done():
			return
		}
	}
}

const busName = "org.freedesktop.DBus"

// logindLock is the delay lock of the logind that runs now.
type logindLock struct {
	broker *broker
	conn   *dbus.Conn
	owner  string // the unique name of that logind; "": there is none
	delay  *os.File
}

// take takes the lock of another logind than before.
func (l *logindLock) take() {
	var owner string
	err := l.conn.BusObject().CallWithContext(l.broker.life, busName+".GetNameOwner", 0, logind).Store(&owner)
	if err != nil && l.delay == nil {
		l.broker.log.Info("a shutdown is noticed only by its signal: logind does not answer", "err", err)
	}
	if owner == l.owner {
		return
	}
	l.release()
	if l.owner = owner; owner != "" {
		l.delay = l.broker.inhibit(l.conn)
	}
}

func (l *logindLock) release() {
	if l.delay != nil {
		l.delay.Close()
		l.delay = nil
	}
}

// shutsDown reads a signal, which any user of the machine can send.
func (l *logindLock) shutsDown(s *dbus.Signal) bool {
	if s.Sender != l.owner || s.Name != logindManager+".PrepareForShutdown" || len(s.Body) != 1 {
		return false
	}
	starts, ok := s.Body[0].(bool)
	return ok && starts
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
