//go:build linux

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// world is a user with a home directory, and a broker if one was started.
type world struct {
	t      *testing.T
	dir    string
	binary string
	user   *client.Client // as the command line uses it; starts no broker
	extra  []string       // environment of all processes
	clocks *clocks        // of all processes; nil: the machine's

	mu     sync.Mutex
	broker *process
}

// newWorld returns a world without a broker. config is the content of config.toml.
func newWorld(t *testing.T, config string) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e-") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: dir, binary: binary}
	for _, sub := range []string{"run", "locks"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if config != "" {
		w.write("config/bgtask/config.toml", config)
	}
	w.user = w.client(true)
	t.Cleanup(w.end)
	return w
}

// startWorld returns a world with a broker.
func startWorld(t *testing.T, config string) *world {
	t.Helper()
	w := newWorld(t, config)
	w.start()
	return w
}

func (w *world) client(user bool) *client.Client {
	c := &client.Client{Socket: w.socket(), User: user, Start: client.NoStart, Logger: slog.New(slog.DiscardHandler)}
	w.t.Cleanup(func() { c.Close() })
	return c
}

func (w *world) path(rel string) string { return filepath.Join(w.dir, rel) }
func (w *world) socket() string         { return w.path("run/bgtask/bgtask.sock") }
func (w *world) state() string          { return w.path("state/bgtask") }

func (w *world) write(rel, text string) string {
	w.t.Helper()
	path := w.path(rel)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// env returns the environment of every process of the world.
func (w *world) env(more ...string) []string {
	return append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "USER=e2e", "LANG=C.UTF-8", "TMPDIR=" + os.TempDir(),
		"XDG_RUNTIME_DIR=" + w.path("run"), "XDG_STATE_HOME=" + w.path("state"), "XDG_CONFIG_HOME=" + w.path("config"),
		client.BinaryEnv + "=" + w.binary,
	}, append(more, w.extra...)...)
}

// command returns a program with the world's environment.
func (w *world) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env, cmd.Dir = w.env(), w.dir
	if w.clocks != nil {
		w.clocks.under(cmd)
	}
	return cmd
}

// start starts a broker and returns when it is ready.
func (w *world) start() *process {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broker == nil || !w.broker.alive() {
		b, err := w.launch()
		if err != nil {
			w.t.Fatalf("the broker did not start: %v\n%s", err, w.log(20))
		}
		w.broker = b
	}
	return w.broker
}

// restart does what a client does that finds no broker: it starts one, unless another
// client was faster.
func (w *world) restart(context.Context, string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broker != nil && w.broker.alive() && w.listens() {
		return nil
	}
	if w.broker != nil {
		w.broker.kill(w.t)
	}
	b, err := w.launch()
	w.broker = b
	return err
}

func (w *world) listens() bool {
	c, err := net.Dial("unix", w.socket())
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// launch starts a broker and waits until it reports READY=1, or exits.
func (w *world) launch() (*process, error) {
	path := w.path("notify")
	os.Remove(path)
	ready, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	defer ready.Close()
	log, err := os.OpenFile(w.path("broker.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := w.command(w.binary, "daemon", "--verbose")
	cmd.Env = w.env("NOTIFY_SOCKET=" + path)
	cmd.Stdout, cmd.Stderr = log, log
	b := begin(w.t, cmd)
	words := make(chan error, 1)
	go func() { words <- awaitReady(ready) }()
	select {
	case err := <-words:
		return b, err
	case <-b.done:
		return b, fmt.Errorf("it ended: %v", b.err)
	case <-time.After(patience):
		return b, errors.New("it is not ready")
	}
}

func awaitReady(socket *net.UnixConn) error {
	buffer := make([]byte, 4096)
	for {
		n, err := socket.Read(buffer)
		if err != nil || bytes.Contains(buffer[:n], []byte("READY=1")) {
			return err
		}
	}
}

// brokerLog returns the log of the brokers that the test started, or of those that a
// client started.
func (w *world) brokerLog() []byte {
	b, err := os.ReadFile(w.path("broker.log"))
	if err != nil {
		b, _ = os.ReadFile(w.path("state/bgtask/broker.log"))
	}
	return b
}

// log returns the end of the broker's log.
func (w *world) log(lines int) string {
	b := w.brokerLog()
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// crash ends the broker as a power failure does.
func (w *world) crash() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broker.kill(w.t)
}

// handOver ends the broker as systemd does when bgtask is updated.
func (w *world) handOver() {
	w.t.Helper()
	w.broker.signal(w.t, syscall.SIGTERM)
	if end := w.broker.wait(w.t); end != "" {
		w.t.Fatalf("the broker ended with %s\n%s", end, w.log(20))
	}
}

// bgtask runs a command line. It returns what the command writes to stdout and stderr,
// and its exit code.
func (w *world) bgtask(args ...string) (stdout, stderr string, code int) {
	w.t.Helper()
	var out, err bytes.Buffer
	cmd := w.command(w.binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &err
	p := begin(w.t, cmd)
	p.wait(w.t)
	return out.String(), err.String(), cmd.ProcessState.ExitCode()
}

// do runs a bgtask command that must succeed.
func (w *world) do(args ...string) string {
	w.t.Helper()
	stdout, stderr, code := w.bgtask(args...)
	if code != 0 {
		w.t.Fatalf("bgtask %s: exit %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// context bounds the requests to the broker.
func (w *world) context() context.Context {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	w.t.Cleanup(cancel)
	return ctx
}

// end stops the broker and everything that it launched, and checks that nothing is
// left.
func (w *world) end() {
	if w.t.Failed() {
		w.t.Logf("the broker's log ends with:\n%s", w.log(60))
	}
	w.stopAll()
	deadline := time.Now().Add(task.AdoptionWindow + patience/3)
	left := processes(w.dir)
	for len(left) > 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
		left = processes(w.dir)
	}
	for _, s := range left {
		w.t.Errorf("a process is left: %v\n%s", s, w.stacks(s))
		syscall.Kill(s.pid, syscall.SIGKILL)
	}
	if w.clocks != nil {
		w.clocks.end()
	}
	w.checkLogs()
	os.RemoveAll(w.dir)
}

// stacks returns the stack dump of a launched server that does not end.
func (w *world) stacks(s seen) string {
	path, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/2", s.pid))
	if err != nil || !strings.HasPrefix(path, w.dir) {
		return ""
	}
	syscall.Kill(s.pid, syscall.SIGQUIT)
	for end := time.Now().Add(time.Second); !gone(s.pid) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	b, _ := os.ReadFile(path)
	return string(b)
}

// stopAll runs "bgtask daemon stop". If the broker was killed, a successor is started
// first to look after what the broker left.
func (w *world) stopAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.listens() {
		if w.broker == nil {
			return
		}
		w.broker.kill(w.t)
		b, err := w.launch()
		if err != nil {
			return // the test wanted a store that cannot be opened
		}
		w.broker = b
	}
	w.settle()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := &client.Client{Socket: w.socket(), User: true, Start: client.NoStart}
	defer c.Close()
	if err := c.Stop(ctx, 2*time.Second); err != nil {
		w.t.Errorf("the broker does not stop: %v", err)
	}
}

// settle gives the servers that an earlier broker launched the time to find this one.
// Without it they would keep unreported outcomes for five minutes.
func (w *world) settle() {
	found := func() bool {
		log := w.brokerLog()
		log = log[max(0, bytes.LastIndex(log, []byte(`msg="the broker starts"`))):]
		for _, s := range w.apps() {
			if strings.Contains(s.args, " serve") && !bytes.Contains(log, fmt.Appendf(nil, `msg="host attached" pid=%d `, s.pid)) {
				return false
			}
		}
		return true
	}
	for end := time.Now().Add(2 * task.ReconnectAtMost); !found() && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
}

// checkLogs looks for messages that no test may cause.
func (w *world) checkLogs() {
	logs, _ := filepath.Glob(w.path("state/bgtask/output/*"))
	for _, path := range append(logs, w.path("apps.log"), w.path("broker.log"), w.path("state/bgtask/broker.log")) {
		b, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		bad := []string{"DATA RACE", "bug in bgtask"}
		if strings.HasSuffix(path, "broker.log") {
			bad = append(bad, "panic:", "fatal error:")
		}
		for _, words := range bad {
			if i := bytes.Index(b, []byte(words)); i >= 0 {
				w.t.Errorf("%s says %q:\n%s", filepath.Base(path), words, b[i:min(i+6000, len(b))])
			}
		}
	}
}

// register registers a task. An empty family is the implicit package of commands.
func (w *world) register(family string, spec task.Spec) task.GUID {
	w.t.Helper()
	done, err := w.user.Register(w.context(), spec, client.Registering{Package: family})
	if err != nil {
		w.t.Fatal(err)
	}
	return done.TaskID
}

// fire fires a task by hand. Its run does what script says.
func (w *world) fire(id task.GUID, script string) uint64 {
	w.t.Helper()
	n, err := w.user.Fire(w.context(), id, client.Firing{Arguments: []byte(script), ByHand: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) info(id task.GUID) task.Info {
	w.t.Helper()
	info, err := w.user.Task(w.context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return info
}
