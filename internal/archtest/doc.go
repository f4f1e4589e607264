// Package archtest checks the architecture: which packages may import which, what the
// pure packages must not use, and that every package has a package comment. It contains
// only tests.
package archtest
