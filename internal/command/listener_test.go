//go:build linux

package command

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coreos/go-systemd/v22/activation"

	"github.com/bgtask/bgtask/task"
)

const answerVerb = "answer"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case ExecVerb:
			fail(Exec(os.Args[2:]))
		case answerVerb:
			fail(answer())
		}
	}
	os.Exit(m.Run())
}

func fail(err error) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(9)
}

// answer serves one connection on the listener that systemd's library finds, and
// sends the listener's name.
func answer() error {
	named, err := activation.ListenersWithNames()
	if err != nil {
		return err
	}
	for name, all := range named {
		c, err := all[0].Accept()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(c, "%s of %d", name, len(named))
		return errors.Join(err, c.Close())
	}
	return fmt.Errorf("no listener in %q", os.Environ())
}

func TestACommandGetsItsListenerByTheConventionOfSystemd(t *testing.T) {
	redirect(t)
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	file, err := l.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	c, err := new(net.Dialer).DialContext(t.Context(), "unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	a := sh("")
	a.Spec.Name = "my: web\nserver"
	a.Spec.Command.Path, a.Spec.Command.Args = self, []string{answerVerb}
	if r := run(t.Context(), a, file); r.Outcome != task.Completed {
		t.Fatalf("it ended %v, %s: %s", r.Outcome, r.Exit, r.Text)
	}
	if b, err := io.ReadAll(c); err != nil || string(b) != "my_ web_server of 1" {
		t.Errorf("the client got %q, %v", b, err)
	}
	if _, err := file.Stat(); err == nil {
		t.Error("the server still has the listener")
	}
}

func TestACommandWithAListenerThatIsNotThere(t *testing.T) {
	redirect(t)
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	a := sh("")
	a.Spec.Command.Path = "/no/such/program"
	if r := run(t.Context(), a, file); r.Outcome != task.Failed || !strings.Contains(r.Text, "/no/such/program: no such file") {
		t.Errorf("it ended %+v", r)
	}
}

func TestDetailsAreBounded(t *testing.T) {
	if got, want := details(task.SocketActivityTriggerDetails{Address: "unix:/s"}), `{"type":"SocketActivityTrigger","address":"unix:/s"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	many := task.StorageLibraryContentChangedTriggerDetails{}
	for range task.MaxChangedPaths {
		many.Paths = append(many.Paths, strings.Repeat("\x01", 60)) // six bytes each
	}
	if got, want := details(many), `{"type":"StorageLibraryContentChangedTrigger","paths":[],"overflow":true}`; got != want {
		t.Errorf("%.100s, want %s", got, want)
	}
	if got := details(task.ManualDetails{Arguments: make([]byte, task.MaxPayload)}); len(got) > maxDetails || !strings.Contains(got, `"Manual"`) {
		t.Errorf("%d bytes: %.60s", len(got), got)
	}
}
