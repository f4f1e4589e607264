//go:build unix

package client

import (
	"os/exec"
	"syscall"
)

// detach keeps the terminal's signals, and its end, away from the broker.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
