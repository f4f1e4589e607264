//go:build unix

package adding

import "syscall"

// umask returns the umask. The only way to read it is to set it.
func umask() uint32 {
	old := syscall.Umask(0o077)
	syscall.Umask(old)
	return uint32(old)
}
