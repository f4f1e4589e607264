//go:build linux && race

package e2e

// buildFlags builds the binary with the race detector, as these tests were built.
var buildFlags = []string{"-race"}

// heavier is the factor by which the build needs more memory. The race detector needs 5
// to 10 times as much.
const heavier = 8
