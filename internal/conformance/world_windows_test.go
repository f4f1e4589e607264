package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/bgtask/bgtask/examples/primes"
	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/internal/conformance/classes"
	"github.com/bgtask/bgtask/internal/winbroker"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// The paths where scripts/wine puts the programs, and where the fixture's broker keeps
// its state.
const (
	programs = `C:\programs\`
	state    = `C:\bgtask-registrations.json`
)

func TestMain(m *testing.M) {
	if _, err := os.Stat(programs + "broker.exe"); err != nil {
		fmt.Fprintln(os.Stderr, "this needs the broker that replaces Windows' own: GOOS=windows go test -exec \"$PWD/scripts/wine\"")
		os.Exit(1)
	}
	if err := com.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// fixture is the broker of internal/wine/fixture. Only one can exist at a time.
type fixture struct {
	t   *testing.T
	dir string
	sdk *winbroker.Broker

	broker *exec.Cmd
	orders io.WriteCloser
	words  chan word

	mu   sync.Mutex
	said []string // the broker's output
}

// word is a message of the broker. See internal/wine/fixture/broker.
type word struct {
	Word  string `json:"word"`
	Error string `json:"error"`
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := newFixture(t)
	for _, class := range []task.GUID{classes.Many, classes.Single} {
		w.declare(class, `"`+programs+`app.exe" serve -linger 1s -class `+class.String())
	}
	return &world{system: w, t: t}
}

func newPrimes(t *testing.T) *world {
	t.Helper()
	w := newFixture(t)
	w.declare(primes.Sample.EntryPoint, `"`+programs+`SampleBackgroundApp.exe" -StartSampleTaskServer`)
	return &world{system: w, t: t}
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	w := &fixture{t: t, dir: t.TempDir()}
	os.Remove(state)
	// The application's own folder is below this one. Servers get it from the broker.
	t.Setenv("LOCALAPPDATA", w.dir)
	t.Setenv(winbroker.PackageEnv, "Conformance_0000000000000")
	t.Setenv(classes.LogEnv, filepath.Join(w.dir, "servers.log"))
	w.sdk = winbroker.New("", slog.Default())
	w.restart()
	t.Cleanup(w.end)
	return w
}

// declare does what installing a package does: it assigns a server to the class,
// started by this command line.
func (w *fixture) declare(class task.GUID, command string) {
	w.t.Helper()
	key, _, err := registry.CreateKey(registry.LOCAL_MACHINE, serverKey(class), registry.SET_VALUE)
	if err == nil {
		defer key.Close()
		err = key.SetStringValue("", command)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func serverKey(class task.GUID) string {
	return `Software\Classes\CLSID\{` + class.String() + `}\LocalServer32`
}

func (w *fixture) program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(programs+filepath.Base(name)+".exe", args...)
	cmd.Env, cmd.Dir = os.Environ(), w.dir
	return cmd
}

func (w *fixture) find(name string) (task.GUID, error) {
	all, err := w.sdk.Tasks(w.t.Context(), wire.TaskQuery{})
	return only(name, all, err)
}

func (w *fixture) folder() string {
	w.t.Helper()
	folder, err := w.sdk.LocalFolder(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return folder
}

// order makes the broker do something.
func (w *fixture) order(what map[string]any) error {
	text, err := json.Marshal(what)
	if err != nil {
		return err
	}
	if _, err := w.orders.Write(append(text, '\n')); err != nil {
		return err
	}
	answer := w.await("done", "refused")
	if answer.Word == "refused" {
		return errors.New(answer.Error)
	}
	return nil
}

// await waits for a message of the broker.
func (w *fixture) await(words ...string) word {
	w.t.Helper()
	end := time.After(patience)
	for {
		select {
		case said, ok := <-w.words:
			if !ok {
				w.t.Fatal("the broker has ended")
			}
			for _, is := range words {
				if said.Word == is {
					return said
				}
			}
		case <-end:
			w.t.Fatalf("the broker did not report %v", words)
		}
	}
}

func (w *fixture) fire(id task.GUID) error { return w.order(map[string]any{"do": "fire", "task": id}) }

func (w *fixture) cancel(id task.GUID, reason task.CancellationReason) error {
	return w.order(map[string]any{"do": "cancel", "task": id, "reason": int(reason)})
}

func (w *fixture) runs(id task.GUID) (all []task.Run, err error) {
	for event, err := range w.sdk.History(context.Background(), wire.HistoryQuery{TaskID: id, Kinds: []task.EventKind{task.EventEnded}}) {
		if err != nil {
			return all, err
		}
		all = append(all, *event.Run)
	}
	return all, nil
}

func (w *fixture) crash() {
	w.broker.Process.Kill()
	w.broker.Wait()
}

func (w *fixture) restart() {
	w.t.Helper()
	w.broker = exec.Command(programs + "broker.exe")
	w.broker.Env, w.broker.Dir, w.broker.Stderr = os.Environ(), w.dir, os.Stderr
	in, err := w.broker.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.broker.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.broker.Start(); err != nil {
		w.t.Fatal(err)
	}
	words := make(chan word, 1000)
	w.orders, w.words = in, words
	go func() {
		defer close(words)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			w.mu.Lock()
			w.said = append(w.said, lines.Text())
			w.mu.Unlock()
			var said word
			if json.Unmarshal(lines.Bytes(), &said) == nil && (said.Word == "ready" || said.Word == "done" || said.Word == "refused") {
				words <- said
			}
		}
	}()
	w.await("ready")
}

// serves asks COM for the class while no server can be launched for it.
func (w *fixture) serves(class task.GUID, _ int) bool {
	w.t.Helper()
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, serverKey(class), registry.QUERY_VALUE)
	if err != nil {
		w.t.Fatal(err)
	}
	command, _, err := key.GetStringValue("")
	key.Close()
	if err == nil {
		err = registry.DeleteKey(registry.LOCAL_MACHINE, serverKey(class))
	}
	if err != nil {
		w.t.Fatal(err)
	}
	defer w.declare(class, command)
	factory, err := com.ClassObject(com.FromTask(class), com.LocalServer)
	factory.Release()
	return err == nil
}

func (w *fixture) alive(pid int) bool {
	process, err := windows.OpenProcess(windows.SYNCHRONIZE, false, uint32(pid))
	if err != nil {
		return false
	}
	defer windows.CloseHandle(process)
	state, err := windows.WaitForSingleObject(process, 0)
	return err == nil && state == uint32(windows.WAIT_TIMEOUT)
}

func (w *fixture) kill(pid int) {
	w.t.Helper()
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Kill()
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// end ends the broker and the servers that it launched.
func (w *fixture) end() {
	if w.t.Failed() {
		w.mu.Lock()
		w.t.Logf("the broker said:\n%s", strings.Join(w.said, "\n"))
		w.mu.Unlock()
		log, _ := os.ReadFile(filepath.Join(w.dir, "servers.log"))
		w.t.Logf("the servers said:\n%s", log)
	}
	// A server that is killed leaves its class registered in Wine. So the servers may
	// exit by themselves, after their linger time.
	for end := time.Now().Add(lingers); left(servers...) > 0 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	w.orders.Close()
	w.broker.Process.Kill()
	w.broker.Wait()
	endAll(servers...)
}

// lingers is longer than a server stays without a run.
const lingers = 20 * time.Second

var servers = []string{"app.exe", "SampleBackgroundApp.exe"}
