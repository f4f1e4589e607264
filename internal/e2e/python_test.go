//go:build linux

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/task"
)

const (
	pythonFolder = "../../examples/python"
	pythonFamily = "PythonPrimes_h91ms92gdsmmt"
	debianPython = "/usr/bin/python3"
)

// TestPython: a client that is not ours but gRPC's, in another language, from the
// protocol's definitions alone.
func TestPython(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	folder := w.stagePython()
	w.said(": installed 1.0.0.0, 1 class", w.do("install", folder))
	first := w.python(folder, "register")
	if again := w.python(folder, "register"); again != first {
		t.Errorf("registered again it says %q, after %q", again, first)
	}
	id := w.only(pythonFamily)
	w.said(id.String(), first)

	// A long run outlives the broker, and hears of its cancel from the next one.
	e := w.watch()
	n := w.fire(id, "2000000000")
	run := e.progresses(id, 1)
	w.crash()
	w.start()
	progress := e.await("it goes on", func(ev task.Event) bool {
		return ev.Kind == task.EventProgress && ev.TaskID == id && ev.Run.Progress > run.Progress
	}).Run
	if progress.ID != run.ID || progress.PID != run.PID || progress.Attempt != 1 {
		t.Errorf("after the crash it is %+v, before it was %+v", progress, run)
	}
	w.do("cancel", "primes")
	if ended := e.runEnded(id, n, 1); ended.Outcome != task.Canceled || ended.Reason != task.ReasonAbort || ended.Forced || ended.ID != run.ID {
		t.Errorf("it ended %+v", ended)
	}

	// The same process runs the next ones.
	n = w.fire(id, "1000")
	if ended := e.runEnded(id, n, 1); ended.Outcome != task.Completed || ended.Progress != 1000 || ended.PID != run.PID {
		t.Errorf("it ended %+v", ended)
	}
	w.said("168 primes below 1000", w.do("logs", "primes"))
	n = w.fire(id, "many")
	if ended := e.runEnded(id, n, 1); ended.Outcome != task.Failed || !strings.Contains(ended.Text, "many") {
		t.Errorf("it ended %+v", ended)
	}
	eventually(t, "it leaves when it has nothing to do", func() bool { return gone(run.PID) })
	n = w.fire(id, "10")
	if ended := e.runEnded(id, n, 1); ended.Outcome != task.Completed || ended.PID == run.PID {
		t.Errorf("it ended %+v", ended)
	}
}

// stagePython makes the example's package as its README says.
func (w *world) stagePython() string {
	w.t.Helper()
	if err := exec.Command(debianPython, "-c", "import grpc, grpc_tools").Run(); err != nil {
		needs.Missing(w.t, "install the Debian packages python3-grpcio and python3-grpc-tools")
	}
	folder := w.path("python")
	if err := os.CopyFS(folder, os.DirFS(pythonFolder)); err != nil {
		w.t.Fatal(err)
	}
	protos, err := filepath.Glob("../../proto/bgtask/v1/*.proto")
	if err != nil || len(protos) == 0 {
		w.t.Fatalf("%d definitions: %v", len(protos), err)
	}
	args := append([]string{"-m", "grpc_tools.protoc", "-I", "../../proto", "--python_out", folder, "--grpc_python_out", folder}, protos...)
	if out, err := exec.Command(debianPython, args...).CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	return folder
}

// python runs the example's program.
func (w *world) python(folder string, args ...string) string {
	w.t.Helper()
	cmd := w.command(filepath.Join(folder, "primes"), args...)
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("primes %s: %v", strings.Join(args, " "), err)
	}
	return string(out)
}
