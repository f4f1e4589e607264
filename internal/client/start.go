package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// BinaryEnv is the environment variable with the path of the bgtask binary to start as
// broker, for programs that cannot find it in PATH.
const BinaryEnv = "BGTASK_BIN"

const (
	startWithin = 15 * time.Second
	startPoll   = 10 * time.Millisecond
)

// StartBroker starts a broker that outlives this process: the binary $BGTASK_BIN, else
// this executable if it is bgtask, else the bgtask in PATH. It returns when a broker
// listens on the socket.
func StartBroker(ctx context.Context, socket string) error {
	binary, err := findBinary()
	if err != nil {
		return err
	}
	return Spawn(ctx, binary, socket)
}

func findBinary() (string, error) {
	if binary := os.Getenv(BinaryEnv); binary != "" {
		return binary, nil
	}
	if self, err := os.Executable(); err == nil && filepath.Base(self) == "bgtask" {
		return self, nil
	}
	if binary, err := exec.LookPath("bgtask"); err == nil {
		return binary, nil
	}
	return "", &task.Error{
		Err:    task.ErrUnavailable,
		Detail: "no broker is running, and no bgtask was found in PATH to start one",
		Hint:   "install bgtask, or set " + BinaryEnv + " to its path",
	}
}

// ExitHeld is the exit status of a broker that finds its directory held by another one:
// EX_TEMPFAIL of sysexits.h. The other one is serving, or about to exit.
const ExitHeld = 75

// Spawn starts binary as broker for the socket, in its own session, and returns when a
// broker listens there. If another broker was faster, that one is used. If another one
// is just exiting, Spawn waits for its end and tries again.
func Spawn(ctx context.Context, binary, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	for {
		err := spawnOnce(ctx, binary, socket)
		if !errors.Is(err, errHeld) {
			return err
		}
		select {
		case <-time.After(startPoll * 10):
		case <-ctx.Done():
			return err
		}
	}
}

var errHeld = errors.New("another broker holds the directory")

func spawnOnce(ctx context.Context, binary, socket string) error {
	log, err := openLog()
	if err != nil {
		return err
	}
	defer log.Close()
	from, _ := log.Seek(0, 2)

	cmd := exec.CommandContext(context.WithoutCancel(ctx), binary, "daemon", "--socket", socket) // it outlives the call
	cmd.Env = brokerEnv(os.Environ())
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	detach(cmd)
	if err := cmd.Start(); err != nil {
		return startError(err.Error(), "")
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }() // reaps the broker if it ends before this process
	return awaitBroker(ctx, socket, exited, func() (string, string) { return lastWords(log.Name(), from) })
}

// awaitBroker waits until a broker listens, or until ours has exited and none does.
func awaitBroker(ctx context.Context, socket string, exited <-chan error, log func() (why, hint string)) error {
	poll := time.NewTicker(startPoll)
	defer poll.Stop()
	for !listens(ctx, socket) {
		select {
		case <-poll.C:
		case err := <-exited:
			if listens(ctx, socket) {
				return nil
			}
			why, hint := log()
			failed := startError(fmt.Sprintf("it exited immediately (%v): %s", exitText(err), why), hint)
			if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.ExitCode() == ExitHeld {
				return fmt.Errorf("%w: %w", errHeld, failed)
			}
			return failed
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				why, hint := log()
				return startError("no broker listens on "+socket+": "+why, hint)
			}
			return context.Cause(ctx)
		}
	}
	return nil
}

func exitText(err error) string {
	if err == nil {
		return "exit 0"
	}
	return err.Error()
}

func listens(ctx context.Context, socket string) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// brokerEnv returns env without the variables of a launched server or a command task,
// since a broker is neither.
func brokerEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		return strings.HasPrefix(v, "BGTASK_") && !strings.HasPrefix(v, wire.SocketEnv+"=")
	})
}

// openLog opens the log of a broker that is started on demand: it has no terminal and
// no journal.
func openLog() (*os.File, error) {
	dir := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, startError("there is no home directory for its log: "+err.Error(), "")
		}
		dir = filepath.Join(home, ".local", "state")
	}
	dir = filepath.Join(dir, "bgtask")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, startError(err.Error(), "")
	}
	f, err := os.OpenFile(filepath.Join(dir, "broker.log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, startError(err.Error(), "")
	}
	return f, nil
}

// lastWords returns the last line that was written after from, and the hint below it.
func lastWords(path string, from int64) (why, hint string) {
	b, err := os.ReadFile(path)
	if err != nil || int64(len(b)) < from {
		return "its log is " + path, ""
	}
	lines := strings.Split(strings.TrimSpace(string(b[from:])), "\n")
	last := lines[len(lines)-1]
	if text, ok := strings.CutPrefix(strings.TrimSpace(last), "hint: "); ok && len(lines) > 1 {
		hint, last = wire.Clip(text), lines[len(lines)-2]
	}
	if last == "" {
		return "its log is " + path, hint
	}
	return wire.Clip(strings.TrimPrefix(last, "bgtask: ")), hint
}

// startError returns the error of a failed start, with the broker's own hint if it gave
// one.
func startError(why, hint string) error {
	if hint == "" {
		hint = "'bgtask daemon' in a terminal shows more"
	}
	return &task.Error{Err: task.ErrUnavailable, Detail: "no broker is running, and starting one failed: " + why, Hint: hint}
}
