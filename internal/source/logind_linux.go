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

// logind reports the user's sessions, whether the machine is idle, and an
// impending shutdown. Sleep is detected from the clocks instead, which also works
// without logind.
//
// There is no substitute for it. utmp lists logins on terminals but knows neither
// screen locks nor the user's presence, its 32-bit times end in 2038, and Debian
// 13 no longer writes it (wtmpdb records logins, but only after the fact).
// Without logind these facts are unknown. The facts, why and doctor commands say
// so, and OrUnknown decides what that means for a condition.
type logind struct {
	service
	uid      uint32
	root     string // parent of /proc
	shutdown func(within time.Duration)
}

var _ Waiter = logind{}

func newLogind(bus string, uid int, root string, shutdown func(within time.Duration)) Source {
	return logind{service{bus: bus, name: logindName, path: logindPath, missing: NotHereError{
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

// session is one session of the user.
type session struct {
	active, idle, locked bool
}

// sessions returns the user's sessions that a person works in. It leaves out
// service managers, greeters and sessions that are closing.
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
			continue // the session ended in the meantime
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

// sessionsFacts reports the user as present, or connected, if that is true of any
// session. A session in the background is neither.
func sessionsFacts(sessions []session) []task.Fact {
	user := task.Fact{Name: task.FactUser, Value: task.Away}
	connected := task.Fact{Name: task.FactSession, Value: task.Disconnected}
	if len(sessions) == 0 {
		user.Detail, connected.Detail = "the user has no session", "the user has no session"
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

// idleFact reports whether the whole machine is idle: no user is active and the
// load is low.
func idleFact(idle bool, pressure *load) task.Fact {
	switch {
	case !idle:
		return yesNo(task.FactIdle, false, "a user is active")
	case pressure.busy.Load():
		return yesNo(task.FactIdle, false, "the machine is busy")
	}
	return yesNo(task.FactIdle, true, pressure.detail)
}

// Tasks may use all but delayMargin of the delay that logind grants, which is left for
// the broker to exit, but they get at least delayLeast.
const (
	delayDefault = 5 * time.Second // logind's default
	delayMargin  = 500 * time.Millisecond
	delayLeast   = time.Second
)

// delayLock holds one of logind's delay locks, which makes a shutdown wait until
// the source ends. It calls begins when a shutdown begins.
type delayLock struct {
	begins   func(within time.Duration) // nil to not use a lock
	shutting bool                       // whether a shutdown has begun
	held     *os.File                   // nil if not held
}

func (l *delayLock) update(ctx context.Context, p *peer, all properties) error {
	if l.begins == nil {
		return nil
	}
	was := l.shutting
	if l.shutting = value[bool](all, "PreparingForShutdown"); l.shutting {
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

// delay returns how long the shutdown may be delayed.
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
