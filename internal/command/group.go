//go:build linux

package command

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// endGroup ends what the command left in its process group, and returns when
// nothing of it lives: an outcome is told only when the code no longer runs.
func endGroup(group int) {
	if syscall.Kill(-group, syscall.SIGTERM) != nil {
		return // nobody is left
	}
	kill := time.AfterFunc(task.KillDelay, func() { syscall.Kill(-group, syscall.SIGKILL) })
	defer kill.Stop()
	for {
		_, err := unix.Wait4(-group, nil, 0, nil)
		if err != nil && err != unix.EINTR {
			return // no child of ours is left in it
		}
	}
}
