//go:build !unix

package client

import "os/exec"

// detach does nothing: no broker is started on this platform.
func detach(*exec.Cmd) {}
