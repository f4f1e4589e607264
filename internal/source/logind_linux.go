package source

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/task"
)

const (
	logindName    = "org.freedesktop.login1"
	logindPath    = "/org/freedesktop/login1"
	logindManager = "org.freedesktop.login1.Manager"
	logindSession = "org.freedesktop.login1.Session"
)

var sessionFacts = []string{task.FactUser, task.FactSession, task.FactIdle}

// logind knows the sessions of the user, and that the machine is about to shut
// down. That it slept the clocks tell, also where there is no logind.
//
// Without it nothing stands in: utmp tells who has logged in at a terminal, and
// neither whether the screen is locked nor whether anybody is there, its 32-bit times
// end in 2038, and Debian 13 writes it no more (wtmpdb remembers logins, for after the
// fact). So these facts are unknown then, which facts, why and doctor say, and a
// condition may say what that means to it (IfUnknown).
type logind struct {
	service
	uid      uint32
	root     string // of /proc
	shutdown func(within time.Duration)
}

var _ Waiter = logind{}

func newLogind(bus string, uid int, root string, shutdown func(within time.Duration)) Source {
	return logind{service{bus: bus, name: logindName, path: logindPath, missing: NotHere{
		Detail: "systemd-logind is not running",
		Remedy: "install systemd-logind or elogind",
	}}, uint32(uid), root, shutdown}
}

// Watch implements Source.
func (l logind) Watch(ctx context.Context, report func(...task.Fact)) error {
	lock := &delayLock{begins: l.shutdown}
	defer lock.close()
	var pressure *load
	defer func() {
		if pressure != nil {
			pressure.stop()
		}
	}()
	l.read = func(ctx context.Context, p *peer) ([]task.Fact, error) {
		if pressure == nil {
			pressure = startLoad(l.root, p.hints.give)
		}
		return l.update(ctx, p, lock, pressure)
	}
	return l.service.Watch(ctx, report)
}

func (l logind) update(ctx context.Context, p *peer, lock *delayLock, pressure *load) ([]task.Fact, error) {
	all, err := p.properties(ctx, logindPath, logindManager)
	if err != nil {
		return nil, err
	}
	sessions, err := l.sessions(ctx, p)
	if err != nil {
		return nil, err
	}
	facts := sessionsFacts(sessions)
	if err := lock.update(ctx, p, all); err != nil {
		facts[1].Detail = joinDetail(facts[1].Detail, "shutdown will not wait: "+err.Error())
	}
	return append(facts, idleFact(value[bool](all, "IdleHint"), pressure)), nil
}

// session is one of the user's.
type session struct {
	active, idle, locked bool
}

// sessions reads those of the user that a person works in: no service manager,
// no greeter, none that is about to close.
func (l logind) sessions(ctx context.Context, p *peer) ([]session, error) {
	var list []struct {
		ID   string
		UID  uint32
		User string
		Seat string
		Path dbus.ObjectPath
	}
	if err := p.call(ctx, logindName, logindPath, logindManager+".ListSessions", []any{&list}); err != nil {
		return nil, err
	}
	var sessions []session
	for _, s := range list {
		if s.UID != l.uid {
			continue
		}
		all, err := p.properties(ctx, string(s.Path), logindSession)
		if isDBusError(err, "org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownMethod",
			"org.freedesktop.login1.NoSuchSession") {
			continue // ended meanwhile
		}
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(value[string](all, "Class"), "user") || value[string](all, "State") == "closing" {
			continue
		}
		sessions = append(sessions, session{
			active: value[bool](all, "Active"),
			idle:   value[bool](all, "IdleHint"),
			locked: value[bool](all, "LockedHint"),
		})
	}
	return sessions, nil
}

// sessionsFacts says present or connected when one session is. Nobody is present
// in a session that is not in the foreground.
func sessionsFacts(sessions []session) []task.Fact {
	user := task.Fact{Name: task.FactUser, Value: task.Away}
	connected := task.Fact{Name: task.FactSession, Value: task.Disconnected}
	if len(sessions) == 0 {
		user.Detail, connected.Detail = "no session of the user", "no session of the user"
	}
	for _, s := range sessions {
		if !s.active {
			continue
		}
		connected.Value = task.Connected
		switch {
		case !s.idle && !s.locked:
			user.Value, user.Detail = task.Present, ""
		case user.Value == task.Away && s.locked:
			user.Detail = "locked"
		case user.Value == task.Away:
			user.Detail = "idle"
		}
	}
	return []task.Fact{user, connected}
}

// idleFact is about the machine: all its users, and its load.
func idleFact(idle bool, pressure *load) task.Fact {
	switch {
	case !idle:
		return yesNo(task.FactIdle, false, "somebody uses the machine")
	case pressure.busy.Load():
		return yesNo(task.FactIdle, false, "the machine is busy")
	}
	return yesNo(task.FactIdle, true, pressure.detail)
}

// What is left of the delay that logind grants is for our own end.
const (
	delayDefault = 5 * time.Second // logind's
	delayMargin  = 500 * time.Millisecond
	delayLeast   = time.Second
)

// delayLock makes a shutdown wait until the source ends, and tells when one begins.
type delayLock struct {
	begins func(within time.Duration) // nil: nobody asks
	coming bool
	held   *os.File // nil: not held
}

func (l *delayLock) update(ctx context.Context, p *peer, all properties) error {
	if l.begins == nil {
		return nil
	}
	was := l.coming
	if l.coming = value[bool](all, "PreparingForShutdown"); l.coming {
		if !was {
			l.begins(delay(all))
		}
		return nil
	}
	if l.held != nil {
		return nil
	}
	var fd dbus.UnixFD
	if err := p.call(ctx, logindName, logindPath, logindManager+".Inhibit", []any{&fd},
		"shutdown", "bgtask", "ending background tasks", "delay"); err != nil {
		return err
	}
	l.held = os.NewFile(uintptr(fd), "inhibitor")
	return nil
}

// delay is how long there is.
func delay(all properties) time.Duration {
	granted := delayDefault
	if usec, ok := get[uint64](all, "InhibitDelayMaxUSec"); ok {
		granted = time.Duration(usec) * time.Microsecond
	}
	return max(granted-delayMargin, delayLeast)
}

func (l *delayLock) close() {
	if l.held != nil {
		_ = l.held.Close()
	}
}

func joinDetail(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
