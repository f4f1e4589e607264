//go:build !unix

package main

// umask is a notion of Unix.
func umask() uint32 { return 0 }
