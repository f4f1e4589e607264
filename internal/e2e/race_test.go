//go:build linux && race

package e2e

// buildFlags build the binary as the tests were built.
var buildFlags = []string{"-race"}

// heavier is how much more memory that takes: the race detector's is 5 to 10 times.
const heavier = 8
