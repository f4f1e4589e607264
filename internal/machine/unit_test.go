//go:build linux

package machine

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// mostExposure is the exposure that systemd-analyze may report at most. It is that of a
// user's service whose tasks are to run without restrictions. The head of the unit file
// explains why it does not sandbox tasks.
const mostExposure = 9.6

func TestUnitsAreSound(t *testing.T) {
	t.Parallel()
	m := ready(t)
	const units = "/home/ann/.config/systemd/user/"
	if said := m.user("sh", "-c", "systemd-analyze --user verify "+units+"bgtask.service "+units+"bgtask.socket 2>&1"); said != "" {
		t.Errorf("systemd-analyze verify: %s", said)
	}
	said := m.user("systemd-analyze", "--user", "security", "--offline=true", "--no-pager", units+"bgtask.service")
	level := regexp.MustCompile(`exposure level for bgtask.service: ([0-9.]+)`).FindStringSubmatch(said)
	if level == nil {
		t.Fatalf("systemd-analyze security: %s", said)
	}
	if exposure, err := strconv.ParseFloat(level[1], 64); err != nil || exposure > mostExposure {
		t.Errorf("exposure %s; it was %v", level[1], mostExposure)
	}
}

// TestTasksAreFree checks that a task has the same permissions as a program that the
// user starts in a unit without any settings.
func TestTasksAreFree(t *testing.T) {
	t.Parallel()
	m := ready(t)
	said := m.watch()
	const look = "exec >~/$1; grep -E '^(NoNewPrivs|Seccomp|Cap...):' /proc/self/status; readlink /proc/self/ns/mnt /proc/self/ns/user /proc/self/ns/net; ulimit -a"
	m.bgtask("add", "look", "--", "sh", "-c", look, "sh", "task")
	m.bgtask("fire", "look")
	said.ended("look", "completed", "")
	m.user("systemd-run", "--user", "--quiet", "--wait", "sh", "-c", look, "sh", "free")
	task, free := m.user("cat", "/home/ann/task"), m.user("cat", "/home/ann/free")
	if task != free || !strings.Contains(free, "NoNewPrivs:\t0") || !strings.Contains(free, "mnt:[") {
		t.Errorf("a task is restricted. It has\n%s\nand could have\n%s", task, free)
	}
}

func TestTheFirstCallStartsTheBroker(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.boot()
	m.linger()
	// A configuration alone must not move the state into its folder, as systemd's
	// StateDirectory= would.
	m.user("sh", "-c", `mkdir -p ~/.config/bgtask && echo 'min_freshness = "1m"' >~/.config/bgtask/config.toml`)
	m.installUnits()
	if state := m.unit("bgtask.service", "ActiveState"); state != "inactive" {
		t.Fatalf("bgtask.service is %s before the first call", state)
	}
	m.bgtask("list")
	for property, want := range map[string]string{"ActiveState": "active", "NotifyAccess": "main", "WatchdogUSec": "3min", "Slice": "background.slice"} {
		if is := m.unit("bgtask.service", property); is != want {
			t.Errorf("bgtask.service: %s=%s, not %s", property, is, want)
		}
	}
	if said := m.bgtask("doctor"); !strings.Contains(said, "started by systemd socket") {
		t.Errorf("doctor does not say what started the broker:\n%s", said)
	}
	modes := m.user("stat", "--format=%a %F", "/run/user/1000/bgtask", "/run/user/1000/bgtask/bgtask.sock", "/home/ann/.local/state/bgtask")
	if modes != "700 directory\n600 socket\n700 directory" {
		t.Errorf("the runtime directory, the socket and the state are %q", modes)
	}
	m.bgtask("daemon", "stop")
	m.eventually("the broker has stopped", func() bool { return m.unit("bgtask.service", "ActiveState") == "inactive" })
	m.bgtask("list")
	m.bgtask("daemon", "stop")
	m.eventually("the broker has stopped again", func() bool { return m.unit("bgtask.service", "ActiveState") == "inactive" })
	// A push message calls this name. No distributor is installed, so the call gets no
	// answer.
	m.asAnn("busctl", "--user", "--timeout=1", "call", "io.github.bgtask.Broker", "/org/unifiedpush/Connector", "org.freedesktop.DBus.Peer", "Ping").Run()
	m.eventually("a call on the user's bus has started the broker", func() bool { return m.unit("bgtask.service", "ActiveState") == "active" })
}

// TestASocketOutlivesItsBroker checks that a client which connects while the broker is
// down waits for the next broker, which gets the socket from systemd.
func TestASocketOutlivesItsBroker(t *testing.T) {
	t.Parallel()
	m := ready(t)
	said := m.watch()
	const answer = `IO::Socket::UNIX->new_from_fd(3, "r+")->accept->print("answered")`
	const call = `print readline(IO::Socket::UNIX->new(Peer => "/home/ann/s") or die $!)`
	m.bgtask("add", "web", "--on", "socket:unix:/home/ann/s", "--", "perl", "-MIO::Socket", "-e", answer)
	stored := func() string { return m.unit("bgtask.service", "NFileDescriptorStore") }
	m.eventually("systemd keeps the socket", func() bool { return stored() == "1" })
	for _, end := range []string{"kill --kill-whom=main --signal=SIGKILL", "restart"} {
		broker := m.unit("bgtask.service", "MainPID")
		m.user("sh", "-c", "systemctl --user "+end+" bgtask.service")
		if got := m.user("perl", "-MIO::Socket", "-e", call); got != "answered" {
			t.Errorf("after %s: %q", end, got)
		}
		said.ended("web", "completed", "")
		if now := m.unit("bgtask.service", "MainPID"); now == broker {
			t.Errorf("the same broker is running after %s", end)
		}
	}
	m.bgtask("remove", "web")
	m.eventually("systemd closes the socket", func() bool { return stored() == "0" })
}

const untilGoOn = "until [ -e ~/go-on ]; do sleep 0.1; done"

func TestARestartHandsOver(t *testing.T) {
	t.Parallel()
	m := ready(t)
	said := m.watch()
	m.bgtask("add", "long", "--", "sh", "-c", untilGoOn)
	m.bgtask("add", "short", "--", "true")
	m.bgtask("fire", "long")
	before := said.of("running", "long").Run.Pid
	broker := m.unit("bgtask.service", "MainPID")

	m.user("systemctl", "--user", "restart", "bgtask.service")
	m.bgtask("fire", "short") // beside the server that the new broker has adopted
	said.ended("short", "completed", "")
	if now := m.unit("bgtask.service", "MainPID"); now == broker || now == "0" {
		t.Errorf("the broker's pid was %s, and is now %s", broker, now)
	}
	if r := m.task("long").State.Run; r == nil || r.Pid != before || r.Attempt != 1 {
		t.Fatalf("long ran in %d, and is now %+v", before, r)
	}
	m.user("touch", "/home/ann/go-on")
	said.ended("long", "completed", "")
}

// TestTheWatchdogBites checks that a broker that hangs is replaced, and that its runs
// continue.
func TestTheWatchdogBites(t *testing.T) {
	t.Parallel()
	m := ready(t)
	m.user("sh", "-c", `mkdir -p ~/.config/systemd/user/bgtask.service.d && cd ~/.config/systemd/user/bgtask.service.d &&
		printf '[Service]\nWatchdogSec=2s\n' >watchdog.conf && systemctl --user daemon-reload`)
	m.bgtask("add", "long", "--", "sh", "-c", untilGoOn)
	m.bgtask("fire", "long")
	m.eventually("long runs", func() bool { return m.task("long").State.Phase == "running" })
	before := m.task("long").State.Run.Pid
	m.user("systemctl", "--user", "kill", "--kill-whom=main", "--signal=SIGSTOP", "bgtask.service")
	m.eventually("systemd starts another broker", func() bool {
		return m.unit("bgtask.service", "NRestarts") == "1" && m.unit("bgtask.service", "ActiveState") == "active"
	})
	said := m.watch()
	m.user("touch", "/home/ann/go-on")
	if r := said.ended("long", "completed", ""); r.Attempt != 1 || r.Pid != before {
		t.Errorf("long ran in %d, and ended in %+v", before, r)
	}
}
