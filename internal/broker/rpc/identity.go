//go:build linux

package rpc

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/internal/broker/packages"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// identity is what the kernel says about the process at the other end of a connection.
// The peer has no influence on it.
type identity struct {
	process task.Process     // zero when it cannot be seen from here
	exe     string           // "" when it cannot be seen
	sandbox string           // application id of Flatpak or Snap, or ""
	token   task.LaunchToken // of the launch that it belongs to
}

func (i identity) program() packages.Program {
	return packages.Program{Executable: i.exe, Sandbox: i.sandbox}
}

func identify(look Supervisor, peer *wire.Peer) identity {
	if peer == nil || peer.PID <= 0 {
		return identity{}
	}
	process, err := look.Identify(peer.PID)
	if err != nil {
		return identity{}
	}
	i := identity{process: process, sandbox: sandboxOf(peer.PID)}
	i.exe, _ = look.Executable(process)
	i.token, _ = look.LaunchOf(process)
	if ended(peer.PIDFD) { // its pid may be another process's by now
		return identity{}
	}
	return i
}

func ended(pidfd *os.File) bool {
	if pidfd == nil {
		return false
	}
	conn, err := pidfd.SyscallConn()
	if err != nil {
		return true
	}
	gone := true
	err = conn.Control(func(fd uintptr) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		gone = err == nil && n != 0
	})
	return err != nil || gone
}

// sandboxOf returns the application id of a sandboxed process, or "".
func sandboxOf(pid int) string {
	if id := flatpakID(fmt.Sprintf("/proc/%d/root/.flatpak-info", pid)); id != "" {
		return filepath.Base(id)
	}
	label, err := os.ReadFile(fmt.Sprintf("/proc/%d/attr/current", pid))
	if err != nil {
		return ""
	}
	return snapName(string(label))
}

// flatpakID reads the application's id from the file that Flatpak puts into the root of
// each of its sandboxes. The application cannot change that file.
func flatpakID(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	section := ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		switch {
		case strings.HasPrefix(line, "["):
			section = line
		case section == "[Application]" || section == "[Runtime]":
			if name, ok := strings.CutPrefix(line, "name="); ok {
				return name
			}
		}
	}
	return "flatpak" // a sandbox without a name
}

// snapName returns "snap.NAME" for an AppArmor label such as
// "snap.firefox.geckodriver (enforce)", or "".
func snapName(label string) string {
	name, ok := strings.CutPrefix(label, "snap.")
	if !ok {
		return ""
	}
	name, _, _ = strings.Cut(name, ".")
	return "snap." + name
}
