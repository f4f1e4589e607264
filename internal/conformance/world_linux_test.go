package conformance

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bgtask/bgtask/examples/primes"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/conformance/classes"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// programs is the directory of bgtask and of the applications.
var programs string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	const module = "github.com/bgtask/bgtask/"
	build := exec.Command("go", "build", "-o", dir+"/", module+"cmd/bgtask", module+"internal/conformance/app", module+"examples/primes/SampleBackgroundApp")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %v\n%s", build.Args, err, out)
		return 1
	}
	programs = dir
	return m.Run()
}

const manifest = `<?xml version="1.0" encoding="utf-8"?>
<Package xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10" xmlns:com="http://schemas.microsoft.com/appx/manifest/com/windows10">
  <Identity Name="Conformance" Publisher="CN=Tests" Version="1.0.0.0"/>
  <Properties><DisplayName>Conformance</DisplayName><PublisherDisplayName>Tests</PublisherDisplayName><Logo>logo.png</Logo></Properties>
  <Applications>
    <Application Id="App" Executable="app.exe" EntryPoint="Windows.FullTrustApplication">
      <Extensions>
        <com:Extension Category="windows.comServer">
          <com:ComServer>
            <com:ExeServer Executable="app.exe" Arguments="%[3]s" DisplayName="Many"><com:Class Id="%[1]s" DisplayName="many"/></com:ExeServer>
            <com:ExeServer Executable="app.exe" Arguments="%[4]s" DisplayName="Single"><com:Class Id="%[2]s" DisplayName="single"/></com:ExeServer>
          </com:ComServer>
        </com:Extension>
      </Extensions>
    </Application>
  </Applications>
</Package>
`

// linux is our own broker: the real program, with a client that acts for its user.
type linux struct {
	t      *testing.T
	dir    string
	family string
	user   *client.Client
	broker *exec.Cmd
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := newLinux(t)
	text := fmt.Sprintf(manifest, classes.Many, classes.Single, serve(classes.Many), serve(classes.Single))
	w.install("app", text)
	return &world{system: w, t: t}
}

func newPrimes(t *testing.T) *world {
	t.Helper()
	w := newLinux(t)
	if err := w.user.OverrideFact(t.Context(), task.FactInternet, task.Yes, time.Hour); err != nil {
		t.Fatal(err)
	}
	w.install(sample, string(primes.Manifest))
	return &world{system: w, t: t}
}

// serve returns the arguments of a class server.
func serve(class task.GUID) string { return "serve -linger 1s -class " + class.String() }

func newLinux(t *testing.T) *linux {
	t.Helper()
	dir, err := os.MkdirTemp("", "conf-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	w := &linux{t: t, dir: dir}
	for _, sub := range []string{"run", "package"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.user = &client.Client{Socket: filepath.Join(dir, "run/bgtask/bgtask.sock"), User: true, Start: client.NoStart}
	w.restart()
	t.Cleanup(w.end)
	return w
}

func (w *linux) env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "LANG=C.UTF-8", "XDG_RUNTIME_DIR=" + filepath.Join(w.dir, "run"),
		"XDG_STATE_HOME=" + filepath.Join(w.dir, "state"), "XDG_CONFIG_HOME=" + filepath.Join(w.dir, "config"), client.BinaryEnv + "=",
	}
}

// install installs the package of a program.
func (w *linux) install(program, manifest string) {
	w.t.Helper()
	folder := filepath.Join(w.dir, "package")
	if err := os.WriteFile(filepath.Join(folder, "AppxManifest.xml"), []byte(manifest), 0o600); err != nil {
		w.t.Fatal(err)
	}
	to := filepath.Join(folder, program)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Link(filepath.Join(programs, filepath.Base(program)), to); err != nil {
		w.t.Fatal(err)
	}
	done, err := w.user.Install(w.t.Context(), folder, client.Installing{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.family = done.Package.Family
}

func (w *linux) program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(w.dir, "package", name), args...)
	cmd.Env, cmd.Dir = w.env(), w.dir
	return cmd
}

func (w *linux) find(name string) (task.GUID, error) {
	all, err := w.user.Tasks(w.t.Context(), wire.TaskQuery{})
	return only(name, all, err)
}

func (w *linux) folder() string {
	w.t.Helper()
	c := &client.Client{Socket: w.user.Socket, Package: w.family, Start: client.NoStart}
	defer c.Close()
	folder, err := c.LocalFolder(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return folder
}

func (w *linux) fire(id task.GUID) error {
	_, err := w.user.Fire(w.t.Context(), id, client.Firing{ByHand: true})
	return err
}

func (w *linux) cancel(id task.GUID, reason task.CancellationReason) error {
	return w.user.Cancel(w.t.Context(), id, reason, false)
}

func (w *linux) runs(id task.GUID) (all []task.Run, err error) {
	for event, err := range w.user.History(w.t.Context(), wire.HistoryQuery{TaskID: id, Kinds: []task.EventKind{task.EventEnded}}) {
		if err != nil {
			return all, err
		}
		all = append(all, *event.Run)
	}
	return all, nil
}

func (w *linux) crash() {
	w.broker.Process.Kill()
	w.broker.Wait()
}

func (w *linux) restart() {
	w.t.Helper()
	log, err := os.OpenFile(w.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	defer log.Close()
	w.broker = exec.Command(filepath.Join(programs, "bgtask"), "daemon", "--verbose")
	w.broker.Env, w.broker.Dir = w.env(), w.dir
	w.broker.Stdout, w.broker.Stderr = log, log
	if err := w.broker.Start(); err != nil {
		w.t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		_, err := w.user.Status(w.t.Context())
		if err == nil {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("the broker did not start: %v", err)
		}
	}
}

func (w *linux) log() string { return filepath.Join(w.dir, "broker.log") }

func (w *linux) serves(_ task.GUID, pid int) bool {
	text, err := os.ReadFile(w.log())
	return err == nil && strings.Contains(string(text), fmt.Sprintf(`msg="host attached" pid=%d `, pid))
}

func (w *linux) alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func (w *linux) kill(pid int) {
	w.t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		w.t.Fatal(err)
	}
}

// end stops the broker, which ends everything that it launched.
func (w *linux) end() {
	if w.t.Failed() {
		text, _ := os.ReadFile(w.log())
		w.t.Logf("the broker's log ends with:\n%s", text[max(0, len(text)-6000):])
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := w.user.Stop(ctx, 2*time.Second); err != nil {
		w.t.Errorf("the broker did not stop: %v", err)
		w.broker.Process.Kill()
	}
	w.broker.Wait()
	w.user.Close()
	os.RemoveAll(w.dir)
}
