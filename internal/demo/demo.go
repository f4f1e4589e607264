//go:build linux

// Package demo tells the whole story of bgtask in some twenty seconds: a package
// is installed, its task registered, held, explained, launched, canceled, run in
// the open application, and cleaned away. Everything happens in a temporary folder
// with a private broker, and every step is checked.
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

// AppName is the name under which the binary is the sample application.
const AppName = "SampleBackgroundApp"

// Options say how to tell the story.
type Options struct {
	Binary   string    // this very program
	Out      io.Writer // where to
	Terminal bool      // progress may be drawn over itself
}

// patience bounds every single wait.
const patience = 30 * time.Second

// story is what the steps share.
type story struct {
	Options
	dir    string // temporary
	folder string // of the package
	client *client.Client
	broker *exec.Cmd
	app    *exec.Cmd
	events *events

	family     string
	id         task.GUID
	launched   task.Run // the first run, in the launched server
	inApp      task.Run // the second, in the application
	registered task.Info
}

// Run tells the story; the error of the first step that fails is returned after
// everything was cleaned up.
func Run(ctx context.Context, o Options) (err error) {
	dir, err := os.MkdirTemp("", "bgtask-demo-")
	if err != nil {
		return err
	}
	s := &story{Options: o, dir: dir, folder: filepath.Join(dir, "package")}
	fmt.Fprintf(o.Out, "bgtask demo: a private broker in %s\n\n", dir)
	defer s.sweep()
	if err := s.begin(ctx); err != nil {
		return err
	}
	for n, step := range steps {
		if err := s.tell(ctx, n+1, step); err != nil {
			return err
		}
	}
	fmt.Fprint(o.Out, "\nHeld, explained, launched, canceled, and run in the open application.\nNext: bgtask add --help\n")
	return nil
}

// step is one line of the story.
type step struct {
	name string
	run  func(*story, context.Context) (string, error)
}

// width is the column of the verdict: the story fits a terminal of 80.
const width = 77

func (s *story) tell(ctx context.Context, n int, st step) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	text, err := st.run(s, ctx)
	if err != nil {
		fmt.Fprintf(s.Out, "%2d  %-9s FAILED\n      %v\n", n, st.name, err)
		return fmt.Errorf("step %d, %s: %w", n, st.name, err)
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		head := fmt.Sprintf("%2d  %-9s ", n, st.name)
		if i > 0 {
			head = strings.Repeat(" ", len(head))
		}
		if i == len(lines)-1 {
			fmt.Fprintf(s.Out, "%s%-*s ok\n", head, width-len(head), line)
			continue
		}
		fmt.Fprintf(s.Out, "%s%s\n", head, line)
	}
	return nil
}

// begin makes the package's folder and starts the private broker.
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
	defer log.Close()
	s.broker = s.command(s.Binary, "daemon", "--socket", socket, "--state", filepath.Join(s.dir, "state"))
	s.broker.Stdout, s.broker.Stderr = log, log
	if err := s.broker.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := s.awaitSocket(ctx, socket); err != nil {
		text, _ := os.ReadFile(log.Name())
		return fmt.Errorf("the broker does not come up: %w\n%s", err, text)
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

// command is a process that sees this demo's folders only.
func (s *story) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+filepath.Join(s.dir, "run"), "XDG_STATE_HOME="+filepath.Join(s.dir, "state-home"),
		"XDG_CONFIG_HOME="+filepath.Join(s.dir, "config"), "XDG_DATA_HOME="+filepath.Join(s.dir, "data"))
	return cmd
}

// sweep leaves nothing behind, however the story ended.
func (s *story) sweep() {
	if s.events != nil {
		s.events.stop()
	}
	if s.client != nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		_ = s.client.Stop(ctx, 5*time.Second)
		cancel()
		s.client.Close()
	}
	end(s.app)
	end(s.broker)
	_ = os.RemoveAll(s.dir)
}

// end ends a process that was started here, and waits for it.
func end(cmd *exec.Cmd) {
	if cmd == nil || cmd.Process == nil || cmd.ProcessState != nil {
		return
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	kill := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	_ = cmd.Wait()
	kill.Stop()
}

var errGone = errors.New("the stream of events ended")
