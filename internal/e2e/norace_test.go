//go:build linux && !race

package e2e

// buildFlags builds the binary without the race detector, as these tests were built.
var buildFlags []string

// heavier is the factor by which the build needs more memory.
const heavier = 1
