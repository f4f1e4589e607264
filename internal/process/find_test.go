//go:build linux

package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// orphaned starts a broker under an init, lets it start a server, and kills the broker.
// The server that remains is not a child of this process.
func (b *bench) orphaned(args ...string) (token task.LaunchToken, server task.Process) {
	b.t.Helper()
	token = newToken()
	play := append([]string{helperArg, b.pipe, "init", "broker", b.supervisor.output.dir, b.state, token.String()}, args...)
	cmd := exec.Command(executable(), play...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for b.seen["broker"] == 0 || b.seen["init"] == 0 {
		if r := b.report(); r[0] == "broker" {
			server.PID, _ = strconv.Atoi(r[2])
			server.Start, _ = strconv.ParseUint(r[3], 10, 64)
		}
	}
	server.Boot = b.supervisor.BootID()
	b.await("server")
	if err := unix.Kill(b.seen["broker"], unix.SIGKILL); err != nil {
		b.t.Fatal(err)
	}
	b.gone(b.seen["broker"])
	return token, server
}

func TestFindAfterTheBrokerDied(t *testing.T) {
	for _, known := range []bool{true, false} {
		t.Run("process known "+strconv.FormatBool(known), func(t *testing.T) {
			b := newBench(t)
			token, server := b.orphaned("start", "server", "setsid", "clearenv", "stubborn", "rest")
			b.await("rest")
			if !b.supervisor.Alive(server) {
				t.Fatal("the server died with its broker")
			}
			asked := task.Process{}
			if known {
				asked = server
			}
			s, w := watch()
			found, err := b.supervisor.Find(asked, token, w)
			if err != nil {
				t.Fatal(err)
			}
			if found != server {
				t.Fatalf("found %+v, want %+v", found, server)
			}
			if strays, err := b.supervisor.Strays(); err != nil || len(strays) != 0 {
				t.Errorf("strays = %v, %v", strays, err)
			}
			s.token = token
			b.signal(s, unix.SIGTERM)
			exit := b.finish(s)
			if kernelReportsExits(t) {
				if exit.String() != "signal terminated" {
					t.Errorf("exit = %+v", exit)
				}
			} else if exit.Known {
				t.Errorf("exit = %+v, of a stranger", exit)
			}
			b.gone(b.seen["rest"])
		})
	}
}

// kernelReportsExits reports whether the kernel reports the exits of processes that are not
// children: Linux 6.15 and later.
func kernelReportsExits(t *testing.T) bool {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	return major > 6 || major == 6 && minor >= 15
}

func TestFindTakesNoOther(t *testing.T) {
	b := newBench(t)
	s := b.start("hang", "server")
	b.await("server")
	older, otherBoot := s.process, s.process
	older.Start--
	otherBoot.Boot = "another"
	for _, p := range []task.Process{older, otherBoot} {
		if _, err := b.supervisor.Find(p, newToken(), Callbacks{}); err != ErrGone {
			t.Errorf("Find(%+v): %v, want ErrGone", p, err)
		}
		if err := b.supervisor.SignalProcess(p, unix.SIGKILL); err != ErrGone {
			t.Errorf("SignalProcess(%+v): %v, want ErrGone", p, err)
		}
		if _, err := b.supervisor.OnExit(p, nil); err != ErrGone {
			t.Errorf("Watch(%+v): %v, want ErrGone", p, err)
		}
		if b.supervisor.Alive(p) {
			t.Errorf("Alive(%+v)", p)
		}
	}
	if _, err := b.supervisor.Find(task.Process{}, newToken(), Callbacks{}); err != ErrGone {
		t.Errorf("Find of an unknown token: %v, want ErrGone", err)
	}
	if !b.supervisor.Alive(s.process) {
		t.Fatal("the process that has the pid was hit")
	}
	b.signal(s, unix.SIGKILL)
	b.finish(s)
}

// TestACopyOfTheState checks that the broker of a copied state directory neither adopts
// nor ends the processes of the original, although its state contains their launches.
func TestACopyOfTheState(t *testing.T) {
	b := newBench(t)
	s := b.start("hang", "server")
	b.await("server")
	copied, err := New(Options{StateID: "of the copy", OutputDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []task.Process{s.process, {}} {
		if _, err := copied.Find(p, s.token, Callbacks{}); !errors.Is(err, ErrGone) {
			t.Errorf("Find(%+v): %v, want ErrGone", p, err)
		}
	}
	if left, err := copied.End(t.Context(), s.token); err != nil || len(left) != 0 {
		t.Errorf("End: %v, %v", left, err)
	}
	if !b.supervisor.Alive(s.process) {
		t.Fatal("the process of the original was ended")
	}
	b.signal(s, unix.SIGKILL)
	b.finish(s)
}

func TestStrays(t *testing.T) {
	b := newBench(t)
	token, server := b.orphaned("start", "server", "stubborn", "rest")
	rest := b.await("rest")
	strays, err := b.supervisor.Strays()
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, s := range strays {
		if s.Launch != token {
			t.Errorf("stray of launch %s, want %s", s.Launch, token)
		}
		pids = append(pids, s.Process.PID)
	}
	if len(pids) != 2 || pids[0] != server.PID || pids[1] != rest {
		t.Errorf("strays %v, want %d and %d", pids, server.PID, rest)
	}
	other, err := New(Options{StateID: "another", OutputDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if strays, err := other.Strays(); err != nil || len(strays) != 0 {
		t.Errorf("of another state directory: %v, %v", strays, err)
	}
	if left, err := b.supervisor.End(t.Context(), token); err != nil || len(left) != 0 {
		t.Errorf("End: %v, %v", left, err)
	}
	b.gone(rest)
	b.gone(server.PID)
}

func TestLaunchOf(t *testing.T) {
	b := newBench(t)
	s := b.start("start", "server", "clearenv", "quiet", "start", "middle", "setsid", "hang", "app")
	b.await("app", "middle", "server")
	for _, name := range []string{"server", "middle", "app"} {
		p, err := b.supervisor.Identify(b.seen[name])
		if err != nil {
			t.Fatal(err)
		}
		if token, ok := b.supervisor.LaunchOf(p); !ok || token != s.token {
			t.Errorf("LaunchOf(%s) = %v, %v", name, token, ok)
		}
		if path, err := b.supervisor.Executable(p); err != nil || path != executable() {
			t.Errorf("Executable(%s) = %q, %v", name, path, err)
		}
		p.Start++
		if token, ok := b.supervisor.LaunchOf(p); ok {
			t.Errorf("LaunchOf(another with the pid of %s) = %v", name, token)
		}
		if _, err := b.supervisor.Executable(p); err != ErrGone {
			t.Errorf("Executable(another): %v, want ErrGone", err)
		}
	}
	self, err := b.supervisor.Identify(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if token, ok := b.supervisor.LaunchOf(self); ok {
		t.Errorf("LaunchOf(self) = %v", token)
	}
	b.signal(s, unix.SIGKILL)
	b.finish(s)
}
