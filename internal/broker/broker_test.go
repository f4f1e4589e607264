//go:build linux

package broker_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/broker"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

func TestATaskIsLaunchedRunAndRecorded(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "work", manyClass, task.InternetAvailable)
	since := r.now()
	number := r.fire(id, "")
	run := r.awaitEnd(since, id)
	if run.Outcome != task.Completed || run.Occurrence.Number != number || run.Launch.IsZero() || run.Attempt != 1 {
		t.Errorf("the run: %+v", run)
	}
	since = r.now()
	r.fire(id, "fail no luck")
	if run := r.awaitEnd(since, id); run.Outcome != task.Failed || run.Text != "no luck" {
		t.Errorf("the run: %+v", run)
	}
}

func TestACrashIsReportedWithItsExitAndLastWords(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "work", singleClass)
	since := r.now()
	r.fire(id, "exit")
	run := r.awaitEnd(since, id)
	if run.Outcome != task.Crashed || run.Exit != "exit 3" || !strings.Contains(run.Stderr, "last words") {
		t.Errorf("the run: %+v", run)
	}
}

func TestARunLivesOnWhenItsBrokerIsReplaced(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "work", manyClass)
	since := r.now()
	r.fire(id, "hang")
	before := r.awaitRunning(since, id)
	r.handOver()
	r.start()
	if err := r.user.Cancel(t.Context(), id, task.ReasonAbort, false); err != nil {
		t.Fatal(err)
	}
	after := r.awaitEnd(since, id)
	if after.ID != before.ID || after.PID != before.PID || after.Outcome != task.Canceled || after.Reason != task.ReasonAbort {
		t.Errorf("the run was %+v, and ended as %+v", before, after)
	}
}

func TestACommandTask(t *testing.T) {
	r := newRig(t)
	spec := task.Spec{Name: "greet", EntryPoint: task.CommandClass, Trigger: task.ApplicationTrigger{}, Queue: 5, Command: &task.Command{
		Path: "/bin/sh", Args: []string{"-c", `echo "$BGTASK_TASK $BGTASK_OCCURRENCE $BGTASK_ATTEMPT"; pwd; exit 3`}, Dir: "/", Env: []string{"PATH=/usr/bin:/bin"},
	}}
	done, err := r.user.Register(t.Context(), spec, client.Registering{})
	if err != nil {
		t.Fatal(err)
	}
	since := r.now()
	r.fire(done.TaskID, "")
	run := r.awaitEnd(since, done.TaskID)
	if run.Outcome != task.Failed || run.Exit != "exit 3" || run.Package != task.CommandPackage {
		t.Errorf("the run: %+v", run)
	}
	var text []byte
	for out, err := range r.user.Logs(t.Context(), wire.LogsQuery{RunID: run.ID}) {
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, out.Data...)
	}
	if want := "greet 1 1\n/\n"; string(text) != want {
		t.Errorf("its output: %q, want %q", text, want)
	}
}

func TestASecondBrokerNamesTheFirst(t *testing.T) {
	r := newRig(t)
	other := broker.Config{StateDir: filepath.Join(r.dir, "state2"), Socket: r.socket, ConfigFile: "/none", Logger: slog.New(slog.DiscardHandler)}
	if err := broker.Run(t.Context(), other); err == nil || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("on the same socket: %v, want the pid %d", err, os.Getpid())
	}
	other.StateDir, other.Socket = filepath.Join(r.dir, "state"), filepath.Join(r.dir, "run2", "b.sock")
	if err := broker.Run(t.Context(), other); err == nil || !strings.Contains(err.Error(), strconv.Itoa(os.Getpid())) {
		t.Errorf("on the same state: %v, want the pid %d", err, os.Getpid())
	}
	r.stillServes()
}

func TestASocketThatIsRemovedIsMadeAgain(t *testing.T) {
	r := newRig(t)
	if err := os.Remove(r.socket); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(patience)
	for {
		if c, err := net.Dial("unix", r.socket); err == nil { // it is there a moment before it listens
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it is not made again")
		}
		runtime.Gosched()
	}
	r.user.Close() // the next call dials
	r.stillServes()
}

func TestAConfigurationWithAMistakeIsRefusedWithItsLine(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "config.toml")
	for text, want := range map[string]string{
		"min_freshness = \"1m\"\nrun_at_once = 3\n": "config.toml:2: there is no setting run_at_once",
		"\nmin_freshness = \"1 parsec\"\n":          "config.toml:2:",
		"min_freshness = \"10ms\"\n":                "at least 1s",
		"launches = 100000\n":                       "from 1 to 1,000",
		"default_access = \"Perhaps\"\n":            "config.toml:1:",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := broker.Run(t.Context(), broker.Config{StateDir: filepath.Join(dir, "state"), Socket: filepath.Join(dir, "s"), ConfigFile: file})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Watch from a cursor: what is stored first, then what comes, each once.
func TestASubscriberGetsEachEventOnce(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "work", manyClass)
	since := r.now()
	const firings = 20
	go func() {
		for range firings {
			if _, err := r.user.Fire(t.Context(), id, client.Firing{ByHand: true}); err != nil {
				t.Error(err)
			}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	last, err := since.Seq()
	if err != nil {
		t.Fatal(err)
	}
	for cursor, ends := since, 0; ends < firings; {
		if ctx.Err() != nil {
			t.Fatalf("%d of %d occurrences ended", ends, firings)
		}
		for ev, err := range r.user.Watch(ctx, wire.WatchQuery{Since: cursor}) {
			if err != nil {
				t.Fatal(err)
			}
			if ev.Kind == task.EventProgress || ev.Kind == task.EventFact || ev.Kind == task.EventChanged && ev.Seq == last {
				continue // not stored
			}
			if ev.Seq != last+1 {
				t.Fatalf("after %d comes %d: %+v", last, ev.Seq, ev)
			}
			last, cursor = ev.Seq, ev.Cursor()
			if ev.Kind == task.EventOccurrence {
				ends++
				if ends%7 == 0 {
					break // come back with the cursor
				}
			}
			if ends == firings {
				break
			}
		}
	}
}

func TestStopEndsTheRunsAndThenTheBroker(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "work", manyClass)
	since := r.now()
	r.fire(id, "hang")
	r.awaitRunning(since, id)
	if err := r.user.Stop(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := <-r.ended; err != nil {
		t.Errorf("the broker ended: %v", err)
	}
	r.start()
	run := r.awaitEnd(since, id)
	if run.Outcome != task.Canceled || run.Reason != task.ReasonTerminating {
		t.Errorf("the run: %+v", run)
	}
}

func TestAStuckServerIsEndedWithItsTree(t *testing.T) {
	r := newRig(t)
	if err := os.WriteFile(filepath.Join(r.dir, "config.toml"), []byte("cancel_grace = \"100ms\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.handOver()
	r.start()
	p := r.install("1.0.0.0")
	id := r.register(p, "work", manyClass)
	since := r.now()
	r.fire(id, "stuck")
	r.awaitRunning(since, id)
	if err := r.user.Cancel(t.Context(), id, task.ReasonAbort, false); err != nil {
		t.Fatal(err)
	}
	run := r.awaitEnd(since, id)
	if run.Outcome != task.Canceled || run.Reason != task.ReasonAbort || !run.Forced {
		t.Errorf("the run: %+v", run)
	}
}

func TestAFileThatChangesFiresItsTask(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	watched := filepath.Join(r.dir, "watched files")
	if err := os.Mkdir(watched, 0o700); err != nil {
		t.Fatal(err)
	}
	spec := task.Spec{Name: "scan", EntryPoint: manyClass, Trigger: task.StorageLibraryContentChangedTrigger{Paths: []string{watched}, Settle: 10 * time.Millisecond}}
	done, err := r.user.Register(t.Context(), spec, client.Registering{Package: p.Family})
	if err != nil {
		t.Fatal(err)
	}
	since := r.now()
	writing := make(chan struct{})
	defer func() { <-writing }()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // the first change that is seen is enough
		defer close(writing)
		for i := 0; ctx.Err() == nil; i++ {
			if err := os.WriteFile(filepath.Join(watched, strconv.Itoa(i%10)), []byte("x"), 0o600); err != nil {
				t.Error(err)
			}
			select { // it has to be quiet between two of them
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}()
	if run := r.awaitEnd(since, done.TaskID); run.Outcome != task.Completed {
		t.Errorf("the run: %+v", run)
	}
	push := task.Spec{Name: "push", EntryPoint: manyClass, Trigger: task.PushNotificationTrigger{}}
	if _, err := r.user.Register(t.Context(), push, client.Registering{Package: p.Family}); !errors.Is(err, task.ErrTriggerNotSupported) {
		t.Errorf("what nothing would fire: %v", err)
	}
}
