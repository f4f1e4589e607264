//go:build linux

package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"github.com/bgtask/bgtask/task"
)

// ExecVerb is the verb with which this program replaces itself by a command with
// a listener. It is necessary because systemd's convention requires the command's
// pid in its environment, and the pid is not known before the process exists.
const ExecVerb = "exec-with-listener"

// firstListener is the first file descriptor in the convention.
const firstListener = 3

// maxListenerName is systemd's length limit.
const maxListenerName = 255

// start starts the command. Afterwards only the command has the listener.
func start(cmd *exec.Cmd, listener *os.File, name string) error {
	if listener == nil {
		return cmd.Start()
	}
	defer func() { _ = listener.Close() }()
	if err := hand(cmd, listener, name); err != nil {
		return err
	}
	return cmd.Start()
}

// hand modifies cmd so that it passes the listener to the command.
func hand(cmd *exec.Cmd, listener *os.File, name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd.Args = append([]string{self, ExecVerb}, cmd.Args...)
	cmd.Path = self
	cmd.Env = append(cmd.Env, "LISTEN_FDS=1", "LISTEN_FDNAMES="+listenerName(name))
	cmd.ExtraFiles = []*os.File{listener}
	return nil
}

// listenerName returns the task's name with the characters that the convention
// allows.
func listenerName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == ':' {
			return '_'
		}
		return r
	}, name)
	return name[:min(len(name), maxListenerName)]
}

// Exec replaces this process by the command, with the pid in its environment. It
// returns only if that fails.
func Exec(command []string) error {
	if len(command) == 0 || os.Getenv("LISTEN_FDS") == "" {
		return &task.Error{Op: ExecVerb, Err: task.ErrInvalid, Detail: "only the class server of command tasks may start this", Hint: "bgtask add --help"}
	}
	// Programs that follow the convention expect that accept blocks.
	if err := syscall.SetNonblock(firstListener, false); err != nil {
		return fmt.Errorf("the listener: %w", err)
	}
	if err := os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid())); err != nil {
		return err
	}
	err := syscall.Exec(command[0], command, os.Environ())
	return errors.New("cannot start the command: " + command[0] + ": " + err.Error())
}
