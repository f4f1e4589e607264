//go:build !unix

package adding

// umask is a notion of Unix.
func umask() uint32 { return 0 }
