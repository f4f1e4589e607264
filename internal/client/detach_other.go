//go:build !unix

package client

import "os/exec"

// detach has nothing to do: no broker is started here.
func detach(*exec.Cmd) {}
