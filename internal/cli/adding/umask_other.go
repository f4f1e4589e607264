//go:build !unix

package adding

// umask returns 0: only Unix has a umask.
func umask() uint32 { return 0 }
