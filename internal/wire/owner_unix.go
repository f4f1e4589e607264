//go:build unix

package wire

import (
	"io/fs"
	"syscall"
)

// ownerOf returns the uid of a file's owner.
func ownerOf(info fs.FileInfo) (uid int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
