//go:build linux

package command

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// endGroup terminates the processes that the command left in its process group,
// and returns when none of them is running. That is necessary because an outcome
// may be reported only when no code of the run is running any more.
func endGroup(group int) {
	if syscall.Kill(-group, syscall.SIGTERM) != nil {
		return // the group is empty
	}
	kill := time.AfterFunc(task.KillDelay, func() { _ = syscall.Kill(-group, syscall.SIGKILL) })
	defer kill.Stop()
	for {
		_, err := unix.Wait4(-group, nil, 0, nil)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return // the group has no child of this process left
		}
	}
}
