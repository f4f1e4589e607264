package source

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
)

// Keeper holds sockets open while no broker is running, as a service manager can,
// and passes them to the next broker by name. Clients that connect in between
// wait in the socket's backlog instead of being refused.
type Keeper interface {
	// Keep reports whether it took the socket.
	Keep(name string, file *os.File) bool
	Forget(name string)
}

// Inherited is a listening socket that was open before the broker started.
type Inherited struct {
	net.Listener
	Name string // begins with keptPrefix if an earlier broker opened it, else the name in a socket unit
}

// keptPrefix begins the names of the sockets that a broker gave to the Keeper.
const keptPrefix = "kept-"

// keptName returns the name under which the socket of an address is kept.
func keptName(address string) string {
	sum := sha256.Sum256([]byte(address))
	return keptPrefix + hex.EncodeToString(sum[:8])
}

// Kept reports whether an earlier broker opened the socket. If not, it belongs to
// a socket unit.
func (i Inherited) Kept() bool { return strings.HasPrefix(i.Name, keptPrefix) }

// lost reports whether no client can reach the socket any more because its path
// was deleted.
func (i Inherited) lost() bool {
	if i.Addr().Network() != "unix" {
		return false
	}
	_, err := os.Lstat(i.Addr().String())
	return errors.Is(err, fs.ErrNotExist)
}

// keep gives a socket that the broker opened to the Keeper. Its path then remains
// when the broker exits.
func (s *Sockets) keep(h *held) {
	if s.keeper == nil || h.inherited && !h.kept {
		return
	}
	if h.kept = s.keeper.Keep(keptName(h.address), h.file) || h.kept; h.kept {
		unlinkOnClose(h.listener, false)
	}
}

// forget closes a socket, deletes its path, and takes it back from the Keeper.
func (s *Sockets) forget(address string, l net.Listener) {
	unlinkOnClose(l, true)
	_ = l.Close()
	if s.keeper != nil {
		s.keeper.Forget(keptName(address))
	}
}

// forgetUnwanted closes the sockets that were kept for registrations that no
// longer exist.
func (s *Sockets) forgetUnwanted() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for address, i := range s.inherited {
		if i.Kept() {
			delete(s.inherited, address)
			s.forget(address, i.Listener)
		}
	}
}

func unlinkOnClose(l net.Listener, unlink bool) {
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(unlink)
	}
}
