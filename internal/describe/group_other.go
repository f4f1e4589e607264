//go:build !unix

package describe

import "os/exec"

// ownGroup has nothing to do: there are no process groups here.
func ownGroup(*exec.Cmd) {}

// endGroup ends the program; what it has started goes on.
func endGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }
