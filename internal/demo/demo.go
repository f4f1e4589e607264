//go:build linux

// Package demo implements the 20-second tour of bgtask. A package is installed;
// its task is registered, held, explained, launched, canceled, run in the open
// application, and cleaned up. Everything happens in a temporary directory with a
// private broker, and every step is checked.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// AppName is the name under which the binary acts as the sample application.
const AppName = "SampleBackgroundApp"

// Options configure the tour.
type Options struct {
	Binary   string    // path of this program
	Out      io.Writer // receives the output
	Terminal bool      // whether progress may overwrite its line
}

// patience is the time limit of each step.
const patience = 30 * time.Second

// story is the state shared by the steps.
type story struct {
	Options
	dir    string // temporary directory
	folder string // package folder
	client *client.Client
	broker *exec.Cmd
	app    *exec.Cmd
	events *events

	family     string
	id         task.GUID
	launched   task.Run // first run, in the launched server
	inApp      task.Run // second run, in the application
	registered task.Info
}

// Run performs all steps. It returns the error of the first step that fails,
// after cleaning up.
func Run(ctx context.Context, o Options) (err error) {
	dir, err := os.MkdirTemp("", "bgtask-demo-")
	if err != nil {
		return err
	}
	s := &story{Options: o, dir: dir, folder: filepath.Join(dir, "package")}
	say(o.Out, "bgtask demo: a private broker in %s\n\n", dir)
	defer s.sweep()
	if err := s.begin(ctx); err != nil {
		return err
	}
	for n, step := range steps {
		if err := s.perform(ctx, n+1, step); err != nil {
			return err
		}
	}
	say(o.Out, "\nHeld, explained, launched, canceled, and run in the open application.\nNext: bgtask add --help\n")
	return nil
}

// step is one step of the tour.
type step struct {
	name string
	run  func(*story, context.Context) (string, error)
}

// width is the column of the result, so that a line fits into 80 columns.
const width = 77

// perform runs one step and prints its result.
func (s *story) perform(ctx context.Context, n int, st step) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	text, err := st.run(s, ctx)
	if err != nil {
		say(s.Out, "%2d  %-9s FAILED\n      %v\n", n, st.name, err)
		return fmt.Errorf("step %d, %s: %w", n, st.name, err)
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		head := fmt.Sprintf("%2d  %-9s ", n, st.name)
		if i > 0 {
			head = strings.Repeat(" ", len(head))
		}
		if i == len(lines)-1 {
			say(s.Out, "%s%-*s ok\n", head, width-len(head), line)
			continue
		}
		say(s.Out, "%s%s\n", head, line)
	}
	return nil
}

// begin creates the package folder and starts the private broker.
func (s *story) begin(ctx context.Context) error {
	if err := s.unpack(); err != nil {
		return err
	}
	socket := filepath.Join(s.dir, "run", "bgtask", "bgtask.sock")
	if err := os.MkdirAll(filepath.Join(s.dir, "run"), 0o700); err != nil {
		return err
	}
	s.client = &client.Client{User: true, Socket: socket, Start: client.NoStart}
	log, err := os.Create(filepath.Join(s.dir, "broker.log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	s.broker = s.command(s.Binary, "daemon", "--socket", socket, "--state", filepath.Join(s.dir, "state"))
	s.broker.Stdout, s.broker.Stderr = log, log
	if err := s.broker.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.awaitSocket(ctx, socket); err != nil {
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("the broker did not start: %w\n%s", err, text)
	}
	s.events = follow(s.client)
	return nil
}

func (s *story) awaitSocket(ctx context.Context, socket string) error {
	for {
		if _, err := os.Stat(socket); err == nil {
			if _, err := s.client.Status(ctx); err == nil {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// command returns a command that uses only the demo's directories. It is ended by
// end, not by a context, so that it can shut down properly.
func (s *story) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+filepath.Join(s.dir, "run"), "XDG_STATE_HOME="+filepath.Join(s.dir, "state-home"),
		"XDG_CONFIG_HOME="+filepath.Join(s.dir, "config"), "XDG_DATA_HOME="+filepath.Join(s.dir, "data"))
	return cmd
}

// sweep stops all processes and deletes the directory, in whatever state the tour
// ended.
func (s *story) sweep() {
	if s.events != nil {
		s.events.stop()
	}
	if s.client != nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		_ = s.client.Stop(ctx, 5*time.Second)
		cancel()
		_ = s.client.Close()
	}
	end(s.app)
	end(s.broker)
	_ = os.RemoveAll(s.dir)
}

// end terminates a process and waits for it.
func end(cmd *exec.Cmd) {
	if cmd == nil || cmd.Process == nil || cmd.ProcessState != nil {
		return
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait()
	kill.Stop()
}

// say prints text. An error means that the terminal is gone; the steps go on, and so
// the demo still cleans up.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

var errGone = errors.New("the stream of events ended")
