package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/declaration"
)

// TestScripts plays the scripts of testdata/script with the real thing: this
// binary as bgtask, and its own broker for each, started on demand.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "script"),
		Setup: privateBroker,
		Cmds:  map[string]func(*testscript.TestScript, bool, []string){"json": checkJSON, "keep": keepJSON, "exits": checkExit, "watching": watchInBackground, "watched": endOfWatch},
	})
}

// privateBroker gives a script its own home and broker.
func privateBroker(env *testscript.Env) error {
	sockets, err := os.MkdirTemp("", "bgt") // the path of a socket has to be short
	if err != nil {
		return err
	}
	for name, dir := range map[string]string{
		"HOME": "home", "XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config",
	} {
		path := filepath.Join(env.WorkDir, dir)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
		env.Setenv(name, path)
	}
	env.Setenv("XDG_RUNTIME_DIR", sockets)
	if bgtask, err := exec.LookPath("bgtask"); err == nil {
		env.Setenv("PROGRAMS", filepath.Dir(bgtask))
	}
	env.Values[watchKey{}] = new(watch)
	env.Setenv("GORACE", "atexit_sleep_ms=0") // else each command waits for a second under the race detector
	env.Setenv("TZ", "Europe/Berlin")
	other := "amd64"
	if runtime.GOARCH == other {
		other = "arm64"
	}
	env.Setenv("GOARCH", runtime.GOARCH)
	env.Setenv("ARCH", declaration.Architecture(runtime.GOARCH)) // as packages name it
	env.Setenv("OTHER", declaration.Architecture(other))
	env.Setenv("LANG", "C.UTF-8")
	env.Defer(func() {
		stopBroker(env)
		if err := os.RemoveAll(sockets); err != nil {
			env.T().Log(err)
		}
	})
	return nil
}

func stopBroker(env *testscript.Env) {
	stop := exec.Command("bgtask", "daemon", "stop") // with time for a run that does not listen
	stop.Env = env.Vars
	out, err := stop.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == term.ExitUnavailable {
		err = nil // the script has stopped it
	}
	if err != nil {
		env.T().Log(fmt.Sprintf("the broker was not stopped: %v: %s", err, out))
	}
}

// checkJSON is "json PATH VALUE": in the last line of stdout, the value at a path
// such as tasks.0.state.phase; "tasks.#" is how many there are.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH VALUE")
	}
	got := show(valueAt(ts, args[0]))
	if (got == args[1]) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

// checkExit is "exits CODE COMMAND...": the command ends with that exit code.
func checkExit(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit %d, want %s\n%s%s", code, args[0], ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// watchInBackground is "watching ARGS...": bgtask watch --json, from the moment on
// at which it misses nothing any more.
func watchInBackground(ts *testscript.TestScript, neg bool, args []string) {
	w := exec.Command("bgtask", append([]string{"watch", "--json"}, args...)...)
	for _, name := range []string{"HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME"} {
		w.Env = append(w.Env, name+"="+ts.Getenv(name))
	}
	out, err := w.StdoutPipe()
	ts.Check(err)
	ts.Check(w.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), `"kind":"synced"`) {
	}
	over := make(chan []string, 1)
	go func() {
		var all []string
		for lines.Scan() {
			all = append(all, lines.Text())
		}
		w.Wait() // its exit code is not asked for
		over <- all
	}()
	ts.Value(watchKey{}).(*watch).over = over
}

// watch is the watch that a script runs in the background.
type watch struct{ over <-chan []string }

type watchKey struct{}

// endOfWatch is "watched": it waits for the end of the watch, and has its lines.
func endOfWatch(ts *testscript.TestScript, neg bool, args []string) {
	for _, line := range <-ts.Value(watchKey{}).(*watch).over {
		fmt.Fprintln(ts.Stdout(), line)
	}
}

// keepJSON is "keep NAME PATH": it sets a variable to the value at a path.
func keepJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 || neg {
		ts.Fatalf("usage: keep NAME PATH")
	}
	ts.Setenv(args[0], show(valueAt(ts, args[1])))
}

func valueAt(ts *testscript.TestScript, path string) any {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	decoder := json.NewDecoder(strings.NewReader(lines[len(lines)-1]))
	decoder.UseNumber()
	var value any
	ts.Check(decoder.Decode(&value))
	for _, key := range strings.Split(path, ".") {
		value = inside(ts, value, key)
	}
	return value
}

func inside(ts *testscript.TestScript, value any, key string) any {
	switch v := value.(type) {
	case map[string]any:
		if key == "#" {
			return len(v)
		}
		if found, ok := v[key]; ok {
			return found
		}
	case []any:
		if key == "#" {
			return len(v)
		}
		if i, err := strconv.Atoi(key); err == nil && i < len(v) {
			return v[i]
		}
	}
	ts.Fatalf("there is no %q in %v", key, value)
	return nil
}

func show(value any) string {
	if value == nil {
		return "null"
	}
	return fmt.Sprint(value)
}
