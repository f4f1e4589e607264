//go:build unix

package selftest

import "golang.org/x/sys/unix"

// systemName returns the name and release of the kernel.
func systemName() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown system: " + err.Error()
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}
