//go:build linux

package machine

import (
	"strings"
	"testing"
)

// session acts as a desktop session for logind: it sets its lock state when it gets a
// lock or unlock signal, as every screen locker does.
const session = `
exec dbus-monitor --system "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.login1.Session'" |
while read -r line; do
	case $line in
	*member=Lock*) locked=true ;;
	*member=Unlock*) locked=false ;;
	*) continue ;;
	esac
	busctl call org.freedesktop.login1 /org/freedesktop/login1/session/auto org.freedesktop.login1.Session SetLockedHint b $locked
done
`

// logIn opens a session of the user and returns its ID.
func (m *machine) logIn() string {
	m.t.Helper()
	m.root("systemd-run", "--quiet", "--collect", "--unit=desktop", "--property=User=ann", "--property=PAMName=login",
		"--setenv=XDG_SESSION_CLASS=user", "--setenv=XDG_SESSION_TYPE=wayland", "sh", "-c", session)
	var id string
	m.eventually("ann is logged in", func() bool {
		for line := range strings.Lines(m.root("loginctl", "list-sessions", "--no-legend")) {
			if f := strings.Fields(line); len(f) > 5 && f[2] == "ann" && f[5] == "user" {
				id = f[0]
			}
		}
		return id != ""
	})
	m.root("systemctl", "start", "user@1000.service") // returns when it is up
	return id
}

// lockable waits until the session's screen locker listens.
func (m *machine) lockable(session string) {
	m.t.Helper()
	m.eventually("the session's screen locker is there", func() bool {
		return strings.Contains(m.root("loginctl", "session-status", session), "dbus-monitor")
	})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	m := ready(t)
	said := m.watch()
	for _, on := range []string{"session", "user-present", "user-away"} {
		m.bgtask("add", "on-"+on, "--on", on, "--", "true")
	}
	for _, when := range []string{"session", "no-session", "user-present", "user-away"} {
		m.bgtask("add", "when-"+when, "--when", when, "--", "true")
	}
	m.bgtask("fire", "when-session")
	m.bgtask("fire", "when-user-present")
	for task, condition := range map[string]string{"when-session": "SessionConnected", "when-user-present": "UserPresent"} {
		if i := m.task(task); !i.heldBy("condition", condition) {
			t.Errorf("no user is logged in, but %s is %+v", task, i.State)
		}
	}

	id := m.logIn()
	for _, task := range []string{"on-session", "on-user-present", "when-session", "when-user-present"} {
		said.ended(task, "completed", "")
	}
	m.lockable(id)
	m.bgtask("fire", "when-no-session")
	m.bgtask("fire", "when-user-away")
	m.root("loginctl", "lock-session", id)
	said.ended("on-user-away", "completed", "")
	said.ended("when-user-away", "completed", "")
	m.root("loginctl", "unlock-session", id)
	said.ended("on-user-present", "completed", "")
	if i := m.task("when-no-session"); !i.heldBy("condition", "SessionDisconnected") {
		t.Errorf("ann is logged in, but when-no-session is %+v", i.State)
	}
	m.root("loginctl", "terminate-session", id)
	said.ended("when-no-session", "completed", "")
	said.ended("on-user-away", "completed", "")
}

// TestLogOff checks that without lingering the end of the last session ends the runs,
// which continue at the next login. With lingering the runs are not affected.
func TestLogOff(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.write("etc/systemd/logind.conf.d/at-once.conf", []byte("[Login]\nUserStopDelaySec=0\n"), 0o644)
	m.boot()
	id := m.logIn()
	m.installUnits()
	m.bgtask("add", "long", "--", "sh", "-c", graceful)
	m.bgtask("fire", "long")
	m.eventually("long runs", func() bool { return m.task("long").State.Phase == "running" })

	m.root("loginctl", "terminate-session", id)
	m.eventually("ann's service manager has ended", func() bool {
		return m.root("systemctl", "show", "--value", "--property=ActiveState", "user@1000.service") == "inactive"
	})
	if m.root("cat", "/home/ann/grace") != "used" {
		t.Error("long had no grace")
	}

	id = m.logIn()
	m.eventually("the login has started the broker without a request", func() bool {
		return m.unit("bgtask.service", "ActiveState") == "active"
	})
	said := m.watch()
	if r := said.ended("long", "canceled", "LoggingOff"); r.Forced {
		t.Errorf("long was forced: %+v", r)
	}
	m.eventually("long runs again", func() bool { return m.task("long").State.Phase == "running" })
	if r := m.task("long").State.Run; r.Attempt != 2 || r.Occurrence.Number != 1 {
		t.Errorf("long runs again as %+v", r)
	}

	m.root("loginctl", "enable-linger", "ann")
	m.root("loginctl", "terminate-session", id)
	said.fact("session", "disconnected")
	if i := m.task("long"); i.State.Phase != "running" || i.State.Run.Attempt != 2 {
		t.Errorf("ann lingers, but long is %+v", i.State)
	}
}

// graceful exits properly, but takes its time. Meanwhile it records the state of the
// system.
const graceful = `trap 'systemctl is-system-running >~/system; sleep 1; printf used >~/grace; exit 0' TERM; while :; do sleep 0.1; done`
