//go:build linux

package machine

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// machine is a Debian with one user, ann. It is off until boot is called.
type machine struct {
	t      *testing.T
	base   string // the image
	dir    string // what this machine writes
	cgroup string // while it is on

	nspawn *exec.Cmd     // nil: off
	off    chan struct{} // closed when nspawn has ended
	leader string        // pid of its init

	following sync.WaitGroup // readers of the machine's events; they end with it
}

// newMachine makes a machine that has the programs.
func newMachine(t *testing.T) *machine {
	t.Helper()
	need(t)
	m := &machine{t: t, base: image(t), dir: t.TempDir()}
	for _, sub := range []string{"upper", "work", "root"} {
		m.mkdir(sub)
	}
	m.install(filepath.Join(binaries, "bgtask"), "usr/bin/bgtask")
	m.install(filepath.Join(binaries, "SampleBackgroundApp"), "opt/primes/SampleBackgroundApp/SampleBackgroundApp")
	m.install(checkout("examples/primes/AppxManifest.xml"), "opt/primes/AppxManifest.xml")
	t.Cleanup(m.destroy)
	return m
}

func (m *machine) mkdir(rel string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Join(m.dir, rel), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// install copies a file to a machine that is off.
func (m *machine) install(from, to string) {
	m.t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		m.t.Fatal(err)
	}
	m.write(to, data, 0o755)
}

// write makes a file on a machine that is off.
func (m *machine) write(rel string, data []byte, mode os.FileMode) {
	m.t.Helper()
	m.mkdir(filepath.Dir(filepath.Join("upper", rel)))
	if err := os.WriteFile(filepath.Join(m.dir, "upper", rel), data, mode); err != nil {
		m.t.Fatal(err)
	}
}

// nspawn runs in namespaces that end with it. In its mount namespace the overlay is
// mounted and cgroup2 is the only hierarchy. Its network namespace is what the
// machine's cable leads to.
const nspawn = `
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --quiet --register=no --keep-unit --notify-ready=yes --console=pipe \
	--machine=bgtask --network-veth --directory="$2/root" --boot
`

// boot turns the machine on and returns when its system is up.
func (m *machine) boot() {
	m.t.Helper()
	m.enterCgroup()
	group, err := os.Open(m.cgroup)
	if err != nil {
		m.t.Fatal(err)
	}
	defer group.Close()
	words := m.listen()
	defer words.Close()
	console, err := os.OpenFile(filepath.Join(m.dir, "console"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		m.t.Fatal(err)
	}
	defer console.Close()
	m.nspawn = exec.Command("unshare", "--mount", "--net", "--propagation", "private", "--", "sh", "-euc", nspawn, "sh", m.base, m.dir)
	m.nspawn.Env = append(os.Environ(), "NOTIFY_SOCKET="+words.LocalAddr().String())
	m.nspawn.Stdout, m.nspawn.Stderr = console, console
	m.nspawn.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, UseCgroupFD: true, CgroupFD: int(group.Fd())}
	if err := m.nspawn.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.off = make(chan struct{})
	go func(cmd *exec.Cmd, off chan struct{}) { cmd.Wait(); close(off) }(m.nspawn, m.off)
	m.awaitReady(words)
	m.world("ip", "address", "add", "192.0.2.1/24", "dev", "ve-bgtask")
	m.plug()
}

func (m *machine) listen() *net.UnixConn {
	m.t.Helper()
	path := filepath.Join(m.dir, "notify")
	os.Remove(path)
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		m.t.Fatal(err)
	}
	return c
}

// awaitReady reads the notifications from nspawn until its machine is up.
func (m *machine) awaitReady(words *net.UnixConn) {
	m.t.Helper()
	off := m.off
	go func() { // a machine that dies sends nothing
		<-off
		words.Close()
	}()
	words.SetReadDeadline(time.Now().Add(patience))
	m.leader = ""
	for buf := make([]byte, 4096); ; {
		n, err := words.Read(buf)
		if err != nil {
			console, _ := os.ReadFile(filepath.Join(m.dir, "console"))
			m.t.Fatalf("the machine did not come up: %v\n%s", err, lastLines(console, 40))
		}
		for line := range strings.Lines(string(buf[:n])) {
			line = strings.TrimSpace(line)
			if pid, ok := strings.CutPrefix(line, "X_NSPAWN_LEADER_PID="); ok {
				m.leader = pid
			}
			if line == "READY=1" && m.leader != "" {
				return
			}
		}
	}
}

// powerOff shuts the machine down, as its user would.
func (m *machine) powerOff() {
	m.t.Helper()
	m.inside("systemd-run", "--quiet", "--collect", "systemctl", "poweroff")
	select {
	case <-m.off:
	case <-time.After(2 * patience):
		m.t.Fatalf("the machine did not shut down\n%s", m.journal())
	}
	m.leaveCgroup()
	m.nspawn = nil
}

// destroy pulls the plug. Mounts and network go with the last process.
func (m *machine) destroy() {
	if m.nspawn == nil {
		return
	}
	if m.t.Failed() && m.leader != "" {
		m.t.Logf("the machine's journal:\n%s", m.journal())
	}
	m.leaveCgroup()
	<-m.off
	m.following.Wait()
}

func (m *machine) journal() string {
	out, _ := m.enter("journalctl", "--no-pager", "--lines=80", "--output=short-precise").CombinedOutput()
	return string(out)
}

// plug plugs in the cable of the machine's network.
func (m *machine) plug() { m.world("ip", "link", "set", "ve-bgtask", "up") }

// unplug pulls the cable at its far end, without the machine's help.
func (m *machine) unplug() { m.world("ip", "link", "set", "ve-bgtask", "down") }

// world runs a program at the far end of the cable.
func (m *machine) world(args ...string) {
	m.t.Helper()
	host(m.t, append([]string{"nsenter", "--target", strconv.Itoa(m.nspawn.Process.Pid), "--net"}, args...)...)
}

// enter returns a program in the machine, outside of its services and sessions.
func (m *machine) enter(args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"--target", m.leader, "--all"}, args...)...)
}

// inside runs a program in the machine, and returns its output.
func (m *machine) inside(args ...string) string {
	m.t.Helper()
	out, err := output(m.enter(args...))
	if err != nil {
		m.t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return out
}

// output returns the output of a command. An error contains what it wrote to stderr.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		err = errors.New(err.Error() + "\n" + stdout.String() + stderr.String())
	}
	return strings.TrimSpace(stdout.String()), err
}
