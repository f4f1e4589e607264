// Package sourcetest starts what sources are tested against: a private D-Bus
// daemon, services played by python-dbusmock, and a network namespace. It needs
// the Debian packages dbus, python3-dbusmock and iproute2.
package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/needs"
)

// Patience is how long a test waits for something that has to happen. It does not
// express an expectation of speed.
const Patience = 30 * time.Second

// python is Debian's Python, for which Debian packages dbusmock.
const python = "/usr/bin/python3"

// Need skips the test if programs are missing. On the CI machine, which must have
// them, it fails the test.
func Need(t testing.TB, debianPackage string, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			missing(t, debianPackage, err)
		}
	}
}

// NeedRoot skips the test if it does not run as root. On the CI machine it fails
// the test.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Getuid() != 0 {
		needs.Missing(t, "root", needs.Root)
	}
}

// outlive returns a context for processes that end in a cleanup of the test: they have
// to outlive t.Context, because other cleanups may still need them.
func outlive(t testing.TB) context.Context { return context.WithoutCancel(t.Context()) }

func missing(t testing.TB, debianPackage string, err error) {
	t.Helper()
	t.Log(err)
	needs.Missing(t, debianPackage, needs.Package(debianPackage))
}

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>custom</type>
  <listen>unix:path=%s</listen>
  <servicedir>%s</servicedir>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
`

// Bus is a private D-Bus daemon, initially without services.
type Bus struct {
	Address  string
	config   string
	socket   string
	services string // directory of the files of services that it may start
	daemon   *exec.Cmd
}

// NewBus starts a bus that stops with the test.
func NewBus(t testing.TB) *Bus {
	t.Helper()
	Need(t, "dbus", "dbus-daemon")
	dir, err := os.MkdirTemp("", "bus") // the path of a socket is limited to 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { // services run as other users
		t.Fatal(err)
	}
	b := &Bus{socket: filepath.Join(dir, "bus"), config: filepath.Join(dir, "bus.conf"), services: filepath.Join(dir, "services")}
	b.Address = "unix:path=" + b.socket
	if err := errors.Join(os.Mkdir(b.services, 0o700), os.WriteFile(b.config, fmt.Appendf(nil, busConfig, b.socket, b.services), 0o600)); err != nil {
		t.Fatal(err)
	}
	b.Start(t)
	t.Cleanup(func() { b.Stop(t) })
	return b
}

// Start starts the daemon again after Stop.
func (b *Bus) Start(t testing.TB) {
	t.Helper()
	b.daemon = exec.CommandContext(outlive(t), "dbus-daemon", "--nofork", "--nopidfile", "--print-address", "--config-file="+b.config)
	endWithTest(t, b.daemon)
	ready, err := b.daemon.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.daemon.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := ready.Read(make([]byte, 256)); err != nil {
		t.Fatalf("dbus-daemon did not start: %v", err)
	}
}

// Stop kills the daemon, which disconnects everything on the bus.
func (b *Bus) Stop(testing.TB) {
	if b.daemon == nil {
		return
	}
	_ = b.daemon.Process.Kill()
	_ = b.daemon.Wait()
	_ = os.Remove(b.socket)
	b.daemon = nil
}

// Activates lets the bus start a service, with an environment, when it is called
// and not running, as a session bus does.
func (b *Bus) Activates(t testing.TB, name, serviceFile string, env []string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.services, name+".service"), []byte(serviceFile), 0o600); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		all[name] = value
	}
	bus := b.Connect(t).BusObject()
	for _, call := range []*dbus.Call{bus.Call("org.freedesktop.DBus.ReloadConfig", 0), bus.Call("org.freedesktop.DBus.UpdateActivationEnvironment", 0, all)} {
		if call.Err != nil {
			t.Fatal(call.Err)
		}
	}
}

// Connect opens a connection that is closed when the test ends.
func (b *Bus) Connect(t testing.TB) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(b.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Daemon starts a real system service on this bus.
func (b *Bus) Daemon(t testing.TB, debianPackage, program string, args ...string) {
	t.Helper()
	Need(t, debianPackage, program)
	cmd := exec.CommandContext(outlive(t), program, args...)
	cmd.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+b.Address)
	endWithTest(t, cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

// Mock is a service played by python-dbusmock.
type Mock struct {
	bus    *Bus
	name   string
	path   dbus.ObjectPath // path of its main object
	args   []string
	daemon *exec.Cmd
	conn   *dbus.Conn
}

// Template starts one of dbusmock's templates. Parameters are JSON; "" means
// none.
func (b *Bus) Template(t testing.TB, template, name, path, parameters string) *Mock {
	t.Helper()
	args := []string{"-t", template}
	if parameters != "" {
		args = append(args, "-p", parameters)
	}
	return b.mock(t, name, path, args)
}

// Object starts a service with one object that has one interface.
func (b *Bus) Object(t testing.TB, name, path, iface string, properties map[string]any) *Mock {
	t.Helper()
	m := b.mock(t, name, path, []string{name, path, iface})
	m.Properties(t, iface, properties)
	return m
}

// Properties adds properties to the main object, which initially has none.
func (m *Mock) Properties(t testing.TB, iface string, properties map[string]any) {
	t.Helper()
	m.Call(t, "AddProperties", iface, variants(properties))
}

func (b *Bus) mock(t testing.TB, name, path string, args []string) *Mock {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), python, "-c", "import dbusmock").CombinedOutput(); err != nil {
		missing(t, "python3-dbusmock", fmt.Errorf("%w: %s", err, out))
	}
	m := &Mock{bus: b, name: name, path: dbus.ObjectPath(path), args: args}
	m.Start(t)
	t.Cleanup(m.Kill)
	return m
}

// Start starts the service again after Kill, and waits until it is on the bus.
func (m *Mock) Start(t testing.TB) {
	t.Helper()
	m.conn = m.bus.Connect(t)
	owners := make(chan *dbus.Signal, 16)
	m.conn.Signal(owners)
	if err := m.conn.AddMatchSignal(dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, m.name)); err != nil {
		t.Fatal(err)
	}
	m.daemon = exec.CommandContext(outlive(t), python, append([]string{"-m", "dbusmock", "--system"}, m.args...)...)
	m.daemon.Env = append(os.Environ(), "DBUS_SYSTEM_BUS_ADDRESS="+m.bus.Address, "DBUS_SESSION_BUS_ADDRESS="+m.bus.Address)
	endWithTest(t, m.daemon)
	if err := m.daemon.Start(); err != nil {
		t.Fatal(err)
	}
	for late := time.After(Patience); ; {
		select {
		case s := <-owners:
			if s.Name == "org.freedesktop.DBus.NameOwnerChanged" {
				return
			}
		case <-late:
			t.Fatalf("%s did not appear on the bus", m.name)
		}
	}
}

// Kill kills the service.
func (m *Mock) Kill() {
	if m.daemon == nil {
		return
	}
	_ = m.daemon.Process.Kill()
	_ = m.daemon.Wait()
	m.daemon = nil
}

// Call calls one of dbusmock's methods on the main object.
func (m *Mock) Call(t testing.TB, method string, args ...any) {
	t.Helper()
	m.CallObject(t, string(m.path), "org.freedesktop.DBus.Mock."+method, args...)
}

// CallObject calls any method of an object.
func (m *Mock) CallObject(t testing.TB, path, method string, args ...any) {
	t.Helper()
	if err := m.conn.Object(m.name, dbus.ObjectPath(path)).Call(method, 0, args...).Err; err != nil {
		t.Fatalf("%s: %v", method, err)
	}
}

// Set changes properties of an object, which emits PropertiesChanged.
func (m *Mock) Set(t testing.TB, path, iface string, properties map[string]any) {
	t.Helper()
	m.CallObject(t, path, "org.freedesktop.DBus.Mock.UpdateProperties", iface, variants(properties))
}

func variants(properties map[string]any) map[string]dbus.Variant {
	v := map[string]dbus.Variant{}
	for name, p := range properties {
		v[name] = dbus.MakeVariant(p)
	}
	return v
}
