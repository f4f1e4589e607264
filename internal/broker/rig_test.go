//go:build linux

package broker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bgtask/bgtask/internal/broker"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/command"
	"github.com/bgtask/bgtask/internal/source"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// The tests of this package run a whole broker on its own socket, with clients, and with
// this test binary as the program of a package.

const patience = 30 * time.Second // bounds waits that should be short

var (
	manyClass   = task.MustGUID("11111111-2222-4333-8444-555555555501") // MultipleUse
	singleClass = task.MustGUID("11111111-2222-4333-8444-555555555502") // SingleUse
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "-serve":
			os.Exit(serveHelper())
		case "-serve-commands":
			if err := command.Serve(context.Background()); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		case "-speak":
			os.Exit(speak(os.Args[2]))
		}
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// serveHelper is a program with tasks: what a run does is in its arguments.
func serveHelper() int {
	token := new(task.LaunchToken)
	_ = token.UnmarshalText([]byte(os.Getenv(task.LaunchEnv))) // without a launch it stays zero
	c := &client.Client{Start: client.NoStart, Package: os.Getenv("HELPER_PACKAGE")}
	h := &client.Host{Broker: c, Token: *token}
	h.Handler = &helper{host: h, runs: make(map[task.GUID]context.CancelCauseFunc)}
	h.SetObjects(task.Object{CLSID: manyClass}, task.Object{CLSID: singleClass, SingleUse: true})
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := h.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

type helper struct {
	host *client.Host

	mu   sync.Mutex
	runs map[task.GUID]context.CancelCauseFunc
}

func (h *helper) Activate(a task.Activation) error {
	what := ""
	switch d := a.Details.(type) {
	case task.ManualDetails:
		what = string(d.Arguments)
	case task.ApplicationTriggerDetails:
		what = string(d.Arguments)
	}
	if what == "refuse" {
		return errors.New("not now")
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	h.mu.Lock()
	h.runs[a.Instance] = cancel
	h.mu.Unlock()
	go func() {
		result := h.do(ctx, a, what)
		h.host.Finish(a.Instance, result)
	}()
	return nil
}

func (h *helper) Cancel(instance task.GUID, reason task.CancellationReason) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cancel := h.runs[instance]; cancel != nil {
		cancel(reason)
	}
}

func (h *helper) do(ctx context.Context, a task.Activation, what string) task.Result {
	verb, arg, _ := strings.Cut(what, " ")
	switch verb {
	case "environment":
		return task.Result{Outcome: task.Failed, Text: os.Getenv(arg)}
	case "fail":
		return task.Result{Outcome: task.Failed, Text: arg}
	case "exit":
		fmt.Fprintln(os.Stderr, "last words")
		os.Exit(3)
	case "hang": // until it is canceled
		h.host.Progress(a.Instance, 7)
		<-ctx.Done()
		reason, _ := errors.AsType[task.CancellationReason](context.Cause(ctx))
		return task.Result{Outcome: task.Canceled, Reason: reason}
	case "stuck": // it ignores cancels and SIGTERM
		signal.Ignore(syscall.SIGTERM)
		select {}
	case "save":
		if err := h.host.SaveCheckpoint(ctx, a.Instance, []byte(arg)); err != nil {
			return task.Result{Outcome: task.Failed, Text: err.Error()}
		}
		return task.Result{Outcome: task.RetryAsked, Text: "once more"}
	case "say":
		fmt.Println(arg)
	}
	return task.Result{Outcome: task.Completed, Text: ""}
}

// rig is a broker with a user at its command line.
type rig struct {
	t      *testing.T
	dir    string
	socket string
	user   *client.Client
	source *facts

	stop  context.CancelFunc
	ended chan error
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{t: t, dir: dir, socket: filepath.Join(dir, "run", "b.sock"), source: &facts{reports: make(chan []task.Fact)}}
	r.user = &client.Client{Socket: r.socket, User: true, Start: client.NoStart, Logger: slog.New(slog.DiscardHandler)}
	t.Cleanup(func() { r.user.Close() })
	r.start()
	t.Cleanup(r.kill)
	return r
}

// start starts a broker, after the last one has ended.
func (r *rig) start() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r.stop, r.ended = cancel, make(chan error, 1)
	ready := make(chan struct{})
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	cfg := broker.Config{
		StateDir: filepath.Join(r.dir, "state"), Socket: r.socket, ConfigFile: filepath.Join(r.dir, "config.toml"),
		Logger: testLogger(r.t), Version: "test", Sources: []source.Chain{{{Name: "test", Facts: []string{task.FactInternet}, Source: r.source}}},
		Commands: task.ClassServer{Executable: self, Arguments: []string{"-serve-commands"}, Classes: []task.GUID{task.CommandClass}},
		Ready:    func() { close(ready) },
	}
	go func() { r.ended <- broker.Run(ctx, cfg) }()
	select {
	case <-ready:
	case err := <-r.ended:
		r.t.Fatalf("the broker does not start: %v", err)
	case <-time.After(patience):
		r.t.Fatal("the broker does not start")
	}
}

// handOver ends the broker as SIGTERM does.
func (r *rig) handOver() {
	r.t.Helper()
	r.stop()
	select {
	case err := <-r.ended:
		if err != nil {
			r.t.Fatalf("the broker ended: %v", err)
		}
		r.ended <- nil
	case <-time.After(patience):
		r.t.Fatal("the broker does not end")
	}
}

// kill ends the broker and all that it launched.
func (r *rig) kill() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = r.user.Stop(ctx, time.Second) // the broker may have ended already
	r.handOver()
}

// facts is the one source of a rig's broker.
type facts struct {
	reports chan []task.Fact
	begin   chan struct{} // it reports nothing until this is closed; nil means immediately
}

func (f *facts) Watch(ctx context.Context, report func(...task.Fact)) error {
	if f.begin != nil {
		select {
		case <-f.begin:
		case <-ctx.Done():
			return nil
		}
	}
	report(task.Fact{Name: task.FactInternet, Value: task.Yes})
	for {
		select {
		case all := <-f.reports:
			report(all...)
		case <-ctx.Done():
			return nil
		}
	}
}

func testLogger(t *testing.T) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

const manifestText = `<?xml version="1.0" encoding="utf-8"?>
<Package xmlns="http://schemas.microsoft.com/appx/manifest/foundation/windows10"
  xmlns:com="http://schemas.microsoft.com/appx/manifest/com/windows10">
  <Identity Name="Helper" Publisher="CN=Tests" Version="%s"/>
  <Properties><DisplayName>Helper</DisplayName><PublisherDisplayName>Tests</PublisherDisplayName><Logo>logo.png</Logo></Properties>
  <Applications>
    <Application Id="App" Executable="helper.exe" EntryPoint="Windows.FullTrustApplication">
      <Extensions>
        <com:Extension Category="windows.comServer">
          <com:ComServer>
            <com:ExeServer Executable="helper.exe" Arguments="-serve" DisplayName="Helper">
              <com:Class Id="%s" DisplayName="many"/>
              <com:Class Id="%s" DisplayName="single"/>
            </com:ExeServer>
          </com:ComServer>
        </com:Extension>
      </Extensions>
    </Application>
  </Applications>
</Package>
`

// install installs a package whose program is this test binary.
func (r *rig) install(version string) task.Package {
	r.t.Helper()
	folder := filepath.Join(r.dir, "helper")
	r.program(filepath.Join(folder, "helper"))
	text := fmt.Sprintf(manifestText, version, manyClass, singleClass)
	if err := os.WriteFile(filepath.Join(folder, "AppxManifest.xml"), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	done, err := r.user.Install(r.t.Context(), folder, client.Installing{})
	if err != nil {
		r.t.Fatal(err)
	}
	return done.Package
}

// program puts this test binary at path.
func (r *rig) program(path string) {
	r.t.Helper()
	if _, err := os.Stat(path); err == nil {
		return
	}
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		r.t.Fatal(err)
	}
	if os.Link(self, path) == nil {
		return
	}
	from, err := os.Open(self)
	if err != nil {
		r.t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		r.t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		r.t.Fatal(err)
	}
}

// register registers a task of the package that only a person fires.
func (r *rig) register(p task.Package, name string, class task.GUID, conditions ...task.Condition) task.GUID {
	r.t.Helper()
	spec := task.Spec{Name: name, EntryPoint: class, Trigger: task.ApplicationTrigger{}, Conditions: conditions, Queue: task.MaxQueue}
	done, err := r.user.Register(r.t.Context(), spec, client.Registering{Package: p.Family})
	if err != nil {
		r.t.Fatal(err)
	}
	return done.TaskID
}

func (r *rig) fire(id task.GUID, arguments string) uint64 {
	r.t.Helper()
	n, err := r.user.Fire(r.t.Context(), id, client.Firing{Arguments: []byte(arguments), ByHand: true})
	if err != nil {
		r.t.Fatal(err)
	}
	return n
}

// await watches from a cursor on until an event is right.
func (r *rig) await(since task.Cursor, what string, right func(task.Event) bool) task.Event {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	for ev, err := range r.user.Watch(ctx, wire.WatchQuery{Since: since}) {
		if err != nil {
			r.t.Fatalf("waiting for %s: %v", what, err)
		}
		if right(ev) {
			return ev
		}
	}
	r.t.Fatalf("%s did not come", what)
	return task.Event{}
}

func (r *rig) awaitEnd(since task.Cursor, id task.GUID) task.Run {
	r.t.Helper()
	return *r.await(since, "the end of a run", func(ev task.Event) bool { return ev.Kind == task.EventEnded && ev.TaskID == id }).Run
}

func (r *rig) awaitRunning(since task.Cursor, id task.GUID) task.Run {
	r.t.Helper()
	return *r.await(since, "a run's start", func(ev task.Event) bool { return ev.Kind == task.EventRunning && ev.TaskID == id }).Run
}

// now is the cursor of the last event.
func (r *rig) now() task.Cursor {
	r.t.Helper()
	return r.await("", "the snapshot", func(ev task.Event) bool { return ev.Kind == task.EventSynced }).Cursor()
}
