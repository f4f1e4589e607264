//go:build !windows

package winbroker

// busy reports whether a file is open elsewhere, which prevents nothing on this
// platform.
func busy(error) bool { return false }
