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

// ExecVerb is the verb of this program that becomes a command with a listener: the
// convention of systemd wants the command's own pid in its environment, which
// nobody knows before it is there.
const ExecVerb = "exec-with-listener"

// firstListener is the descriptor that the convention begins with.
const firstListener = 3

// maxListenerName is systemd's limit.
const maxListenerName = 255

// start starts the command; it alone has the listener then.
func start(cmd *exec.Cmd, listener *os.File, name string) error {
	if listener == nil {
		return cmd.Start()
	}
	defer listener.Close()
	if err := hand(cmd, listener, name); err != nil {
		return err
	}
	return cmd.Start()
}

// hand makes cmd a command with a listener.
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

// listenerName is the task's name as the convention allows it.
func listenerName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == ':' {
			return '_'
		}
		return r
	}, name)
	return name[:min(len(name), maxListenerName)]
}

// Exec becomes the command, with its pid in the environment. It returns only when
// it cannot.
func Exec(command []string) error {
	if len(command) == 0 || os.Getenv("LISTEN_FDS") == "" {
		return &task.Error{Op: ExecVerb, Err: task.ErrInvalid, Detail: "only the server of command tasks starts this", Hint: "bgtask add --help"}
	}
	// Programs that know the convention expect to wait in accept.
	if err := syscall.SetNonblock(firstListener, false); err != nil {
		return fmt.Errorf("the listener: %w", err)
	}
	if err := os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid())); err != nil {
		return err
	}
	err := syscall.Exec(command[0], command, os.Environ())
	return errors.New("the command cannot be started: " + command[0] + ": " + err.Error())
}
