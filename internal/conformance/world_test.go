package conformance

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/conformance/classes"
	"github.com/bgtask/bgtask/task"
)

// patience bounds every wait. It does not express an expected speed.
const patience = 90 * time.Second

// system is what the suite needs from a system with a broker and an installed
// application. newWorld creates one for each test.
type system interface {
	program(name string, args ...string) *exec.Cmd
	find(name string) (task.GUID, error) // of a task
	folder() string                      // the application's local folder
	fire(task.GUID) error                // as the trigger would
	cancel(task.GUID, task.CancellationReason) error
	runs(task.GUID) ([]task.Run, error)   // those that ended, newest first
	crash()                               // kills the broker
	restart()                             // starts a broker
	serves(class task.GUID, pid int) bool // the application that was opened has registered it
	alive(pid int) bool
	kill(pid int)
}

type world struct {
	system
	t *testing.T
}

// only returns the ID of the only task with that name.
func only(name string, all []task.Info, err error) (task.GUID, error) {
	all = slices.DeleteFunc(all, func(i task.Info) bool { return i.Spec.Name != name })
	if err == nil && len(all) != 1 {
		err = fmt.Errorf("%d tasks are named %s", len(all), name)
	}
	if err != nil {
		return task.GUID{}, err
	}
	return all[0].TaskID, nil
}

// app runs the application, which must succeed.
func (w *world) app(args ...string) string {
	w.t.Helper()
	out, code := w.try(args...)
	if code != "" {
		w.t.Fatalf("app %s: %s", strings.Join(args, " "), code)
	}
	return out
}

// try runs the application, and returns the code of its error.
func (w *world) try(args ...string) (out, code string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	made := w.program("app", args...)
	cmd := exec.CommandContext(ctx, made.Path, made.Args[1:]...)
	cmd.Env, cmd.Dir = made.Env, made.Dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	out = strings.TrimSpace(stdout.String())
	var exit *exec.ExitError
	switch {
	case err == nil:
		return out, ""
	case errors.As(err, &exit) && exit.ExitCode() == 3:
		w.t.Logf("app %s: %s", strings.Join(args, " "), strings.TrimSpace(stderr.String()))
		return "", out
	}
	w.t.Fatalf("app %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	return "", ""
}

// started is an application that runs until the end of the test.
type started struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *bufio.Scanner
	done chan struct{}
}

func (w *world) start(args ...string) *started {
	w.t.Helper()
	return w.begin(w.program("app", args...))
}

func (w *world) begin(cmd *exec.Cmd) *started {
	w.t.Helper()
	s := &started{t: w.t, cmd: cmd, done: make(chan struct{})}
	pipe, theirs, err := os.Pipe()
	if err != nil {
		w.t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = theirs, os.Stderr
	if err := s.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	theirs.Close()
	s.out = bufio.NewScanner(io.Reader(pipe))
	go func() {
		defer close(s.done)
		s.cmd.Wait()
	}()
	w.t.Cleanup(func() {
		s.cmd.Process.Kill()
		<-s.done
		pipe.Close()
	})
	return s
}

// line returns the next line that the application writes, or "" at its end.
func (s *started) line() string {
	got := make(chan string, 1)
	go func() {
		s.out.Scan()
		got <- s.out.Text()
	}()
	select {
	case line := <-got:
		return line
	case <-time.After(patience):
		s.t.Fatalf("%v writes nothing", s.cmd.Args)
		return ""
	}
}

// register makes the application register a task, and returns its ID.
func (w *world) register(args ...string) task.GUID {
	w.t.Helper()
	id, err := task.ParseGUID(w.app(append([]string{"register"}, args...)...))
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) mustFire(id task.GUID) {
	w.t.Helper()
	if err := w.fire(id); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) mustCancel(id task.GUID, reason task.CancellationReason) {
	w.t.Helper()
	if err := w.cancel(id, reason); err != nil {
		w.t.Fatal(err)
	}
}

// open lets the runs that wait at the gate continue.
func (w *world) open(gate string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.folder(), gate), nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// journal returns what the application's processes have written, oldest first.
func (w *world) journal() (all []classes.Line) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.folder(), classes.Journal("*")))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			var l classes.Line
			if bytes.HasSuffix(line, []byte("\n")) {
				if err := json.Unmarshal(line, &l); err != nil {
					w.t.Fatal(err)
				}
				all = append(all, l)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b classes.Line) int { return a.At.Compare(b.At) })
	return all
}

// wrote waits for the nth line of this kind about the task.
func (w *world) wrote(what, name string, n int) (found classes.Line) {
	w.t.Helper()
	w.eventually(name+" "+what, func() bool {
		count := 0
		for _, l := range w.journal() {
			if l.What == what && l.Task == name {
				if count++; count == n {
					found = l
					return true
				}
			}
		}
		return false
	})
	return found
}

// ended waits until n runs of the task have ended, and returns the newest.
func (w *world) ended(id task.GUID, n int) task.Run {
	w.t.Helper()
	var all []task.Run
	w.eventually("the task's run has ended", func() bool {
		var err error
		if all, err = w.runs(id); err != nil {
			w.t.Fatal(err)
		}
		return len(all) >= n
	})
	return all[0]
}

func (w *world) eventually(what string, is func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			w.t.Fatalf("this did not happen: %s\nthe journal: %+v", what, w.journal())
		}
		time.Sleep(20 * time.Millisecond)
	}
}
