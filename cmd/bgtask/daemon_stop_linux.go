package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/setup"
	"github.com/bgtask/bgtask/task"
)

// goneWithin bounds the time between the broker's answer and the end of its process.
const goneWithin = 10 * time.Second

func newDaemonStop(a *app) *cobra.Command {
	var within time.Duration
	c := &cobra.Command{
		Use:   "stop",
		Short: "Cancel all runs and stop the broker",
		Args:  verb.Exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := a.stop(c.Context(), within); err != nil {
				return err
			}
			active := setup.SocketActive(c.Context())
			if a.JSON {
				a.Object(term.Member("stopped", true), term.Member("socket_active", active))
				return nil
			}
			a.Printf("The broker has stopped.\n")
			if active {
				a.Printf("The socket stays active, so the next call starts the broker again. To prevent that, run: systemctl --user stop bgtask.socket\n")
			}
			return nil
		},
	}
	term.DurationVar(c.Flags(), &within, "within", "how long runs may take to end")
	return c
}

// stop stops the broker and returns when its process has ended. Until then the process
// holds its lock, and no other broker can start.
func (a *app) stop(ctx context.Context, within time.Duration) error {
	status, err := a.Broker.Status(ctx)
	if err != nil {
		return err
	}
	process, err := unix.PidfdOpen(status.PID, 0)
	if err == nil {
		defer unix.Close(process)
	}
	if stopped := a.Broker.Stop(ctx, within); stopped != nil || err != nil {
		return stopped // without a pidfd there is nothing to wait for
	}
	return awaitExit(process, status.PID)
}

// awaitExit waits for the end of a process by its pidfd.
func awaitExit(process, pid int) error {
	deadline := time.Now().Add(goneWithin)
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(process), Events: unix.POLLIN}}, int(time.Until(deadline).Milliseconds()))
		switch {
		case errors.Is(err, unix.EINTR) && time.Now().Before(deadline):
		case err != nil:
			return fmt.Errorf("waiting for pid %d: %w", pid, err)
		case n == 0:
			return &task.Error{Op: "daemon stop", Err: task.ErrBusy, Detail: fmt.Sprintf("the broker has stopped, but its process, pid %d, does not exit", pid), Hint: fmt.Sprintf("kill %d", pid)}
		default:
			return nil
		}
	}
}
