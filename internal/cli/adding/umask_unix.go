//go:build unix

package adding

import "syscall"

// umask reads the umask, which can only be read by setting it.
func umask() uint32 {
	old := syscall.Umask(0o077)
	syscall.Umask(old)
	return uint32(old)
}
