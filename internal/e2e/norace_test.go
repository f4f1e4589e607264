//go:build linux && !race

package e2e

// buildFlags build the binary as the tests were built.
var buildFlags []string

// heavier is how much more memory that takes.
const heavier = 1
