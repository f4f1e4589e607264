//go:build linux

package rpc

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/stats"

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

// caller is the sender of one call: its connection, and which package it acts for.
type caller struct {
	identity
	packages.Owner
	user bool // the user's command line
}

// caller returns the sender of a call. The identity is established once for each
// connection.
func (s *service) caller(ctx context.Context) (caller, error) {
	peer, _ := wire.PeerFrom(ctx)
	claim, err := wire.CallerFrom(ctx)
	if err != nil {
		return caller{}, err
	}
	conn := connectionOf(ctx)
	conn.once.Do(func() { conn.peer = identify(s.Supervisor, peer) })
	c := caller{identity: conn.peer, user: claim.User}
	if c.exe == "" {
		c.exe = claim.Executable
	}
	if c.user {
		c.Owner, err = userOf(c.program())
	} else {
		c.Owner, err = s.Packages.OwnerOf(ctx, c.program(), claim.Package, s.Launches.PackageOf(c.token))
	}
	if err != nil {
		return caller{}, err
	}
	return c, nil
}

// userOf returns the package for which the user's command line acts.
func userOf(p packages.Program) (packages.Owner, error) {
	if p.Sandbox != "" {
		return packages.Owner{}, packages.NotItsApplication(p)
	}
	return packages.Owner{Family: task.CommandPackage, Verified: true}, nil
}

// connection is one connection of a client.
type connection struct {
	once        sync.Once
	peer        identity
	subscribers atomic.Int32
}

type connectionKey struct{}

// connections gives every connection a value that all its calls share.
type connections struct{}

func (connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connectionKey{}, new(connection))
}
func (connections) HandleConn(context.Context, stats.ConnStats)                     {}
func (connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
func (connections) HandleRPC(context.Context, stats.RPCStats)                       {}

func connectionOf(ctx context.Context) *connection {
	c, _ := ctx.Value(connectionKey{}).(*connection)
	if c == nil {
		return new(connection)
	}
	return c
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
