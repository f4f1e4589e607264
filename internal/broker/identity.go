//go:build linux

package broker

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/stats"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// inspector looks at processes: a process.Supervisor.
type inspector interface {
	Identify(pid int) (task.Process, error)
	Executable(p task.Process) (string, error)
	LaunchOf(p task.Process) (task.LaunchToken, bool)
}

// identity is who is at the other end of a connection, as the kernel says. The
// peer has no say in it.
type identity struct {
	process task.Process     // zero: it cannot be seen from here
	exe     string           // "" when it cannot be seen
	sandbox string           // application id of Flatpak or Snap; ""
	token   task.LaunchToken // of the launch that it belongs to
}

// connection is one connection of a client.
type connection struct {
	once     sync.Once
	who      identity
	watchers atomic.Int32
}

type connectionKey struct{}

// connections gives every connection its value, which all its calls share.
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

// identify is done once for each connection.
func identify(look inspector, peer *wire.Peer) identity {
	if peer == nil || peer.PID <= 0 {
		return identity{}
	}
	process, err := look.Identify(peer.PID)
	if err != nil {
		return identity{}
	}
	who := identity{process: process, sandbox: sandboxOf(peer.PID)}
	who.exe, _ = look.Executable(process)
	who.token, _ = look.LaunchOf(process)
	if ended(peer.PIDFD) { // the pid may be another's by now
		return identity{}
	}
	return who
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
	conn.Control(func(fd uintptr) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		gone = err == nil && n != 0
	})
	return gone
}

// sandboxOf is the application id of a sandboxed process, or "".
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

// flatpakID reads the application's id from the file that Flatpak puts into the
// root of each of its sandboxes, out of the application's reach.
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
	return "flatpak" // a sandbox all the same
}

// snapName reads an AppArmor label: "snap.firefox.geckodriver (enforce)".
func snapName(label string) string {
	name, ok := strings.CutPrefix(label, "snap.")
	if !ok {
		return ""
	}
	name, _, _ = strings.Cut(name, ".")
	return "snap." + name
}

// who is the caller of one call: its connection and what it claims.
type who struct {
	identity
	user     bool // the user's command line
	family   string
	home     string // the folder of an installed version in which the program lies; "": elsewhere
	implied  bool   // family is of a program that belongs to no installed package
	verified bool   // the kernel says so, not the caller
}

func (w who) caller() engine.Caller { return engine.Caller{Package: w.family, All: w.user} }

// who tells the caller of a call.
func (b *broker) who(ctx context.Context) (who, error) {
	peer, _ := wire.PeerFrom(ctx)
	claim, err := wire.CallerFrom(ctx)
	if err != nil {
		return who{}, err
	}
	conn := connectionOf(ctx)
	conn.once.Do(func() { conn.who = identify(b.inspector, peer) })
	w := who{identity: conn.who, user: claim.User}
	if w.exe == "" {
		w.exe = claim.Executable
	}
	if w.sandbox != "" {
		return w.sandboxed(claim)
	}
	if w.user {
		w.family, w.verified = task.CommandPackage, true
		return w, nil
	}
	installed, err := b.directory.list(ctx)
	if err != nil {
		return who{}, err
	}
	w.home = b.versionOf(w.exe)
	return w.ofPackage(claim.Package, installed, b.processes.packageOf(w.token))
}

// sandboxed: a sandboxed caller is its application, and can be nothing else.
func (w who) sandboxed(claim wire.Caller) (who, error) {
	if claim.User || claim.Package != "" && claim.Package != w.sandbox {
		return who{}, &task.Error{Subject: w.sandbox, Err: task.ErrAccessDenied,
			Detail: "a sandboxed application speaks for itself only", Hint: "leave the package out; it is " + w.sandbox}
	}
	w.user, w.family, w.implied, w.verified = false, w.sandbox, true, true
	return w, nil
}

// ofPackage finds the package: the one that is claimed, the one that launched the
// process, the one whose folder holds the executable, or an implied one.
func (w who) ofPackage(claim string, installed []task.Package, launched string) (who, error) {
	home := homeOf(w.exe, installed)
	if family := familyOf(filepath.Base(w.home)); home == "" && known(family, installed) {
		home = family // it runs on, and its folder stays, while the package has another one
	}
	switch {
	case claim != "":
		w.family, w.verified = claim, claim == home || claim == launched
		if !known(claim, installed) {
			return who{}, &task.Error{Subject: claim, Err: task.ErrNoPackage, Detail: "no such package is installed", Hint: "bgtask install DIR"}
		}
	case launched != "" && launched != task.CommandPackage:
		w.family, w.verified = launched, true
	case home != "":
		w.family, w.verified = home, true
	case w.exe == "":
		return who{}, &task.Error{Err: task.ErrNoPackage, Detail: "the broker cannot see your process, and no package is claimed",
			Hint: "say which package it is (Client.Package)"}
	default:
		w.family, w.implied, w.verified = impliedFamily(w.exe), true, true
	}
	return w, nil
}

func known(family string, installed []task.Package) bool {
	for i := range installed {
		if installed[i].Family == family {
			return true
		}
	}
	return false
}

// homeOf is the package whose folder holds exe; the innermost one. A folder may be a
// link, so one that has exe as a class server will do.
func homeOf(exe string, installed []task.Package) string {
	family, longest := "", 0
	for i := range installed {
		folder := installed[i].Folder
		if folder == "" || !filepath.IsAbs(exe) {
			continue
		}
		if slices.ContainsFunc(installed[i].Servers, func(s task.ClassServer) bool { return s.Executable == exe }) {
			return installed[i].Family
		}
		if len(folder) <= longest {
			continue
		}
		if strings.HasPrefix(exe, strings.TrimSuffix(folder, "/")+"/") {
			family, longest = installed[i].Family, len(folder)
		}
	}
	return family
}
