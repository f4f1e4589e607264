//go:build unix

package selftest

import "golang.org/x/sys/unix"

// systemName is what the kernel calls itself.
func systemName() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "a system without a name: " + err.Error()
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}
