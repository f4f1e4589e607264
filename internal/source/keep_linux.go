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

// Keeper holds sockets open while no broker is there, as a service manager can, and
// gives them to the next one by name.
type Keeper interface {
	// Keep says whether it does.
	Keep(name string, file *os.File) bool
	Forget(name string)
}

// Inherited is a listening socket that was there before the broker.
type Inherited struct {
	net.Listener
	Name string // by which it is kept; another one is a socket unit's
}

// keptPrefix begins the names of what we have given to the keeper.
const keptPrefix = "kept-"

// keptName is that of the socket with an address.
func keptName(address string) string {
	sum := sha256.Sum256([]byte(address))
	return keptPrefix + hex.EncodeToString(sum[:8])
}

// Kept says whether it is a socket that an earlier broker opened, and not one that a
// unit holds.
func (i Inherited) Kept() bool { return strings.HasPrefix(i.Name, keptPrefix) }

// lost says whether nobody can reach it any more: its path is gone.
func (i Inherited) lost() bool {
	if i.Addr().Network() != "unix" {
		return false
	}
	_, err := os.Lstat(i.Addr().String())
	return errors.Is(err, fs.ErrNotExist)
}

// keep gives a socket that was opened to the keeper. Its path then stays, also when
// the broker ends.
func (s *Sockets) keep(h *held) {
	if s.keeper == nil || h.inherited && !h.kept {
		return
	}
	if h.kept = s.keeper.Keep(keptName(h.address), h.file) || h.kept; h.kept {
		unlinkOnClose(h.listener, false)
	}
}

// forget takes it back for good.
func (s *Sockets) forget(address string, l net.Listener) {
	unlinkOnClose(l, true)
	_ = l.Close()
	if s.keeper != nil {
		s.keeper.Forget(keptName(address))
	}
}

// forgetUnwanted closes those that were kept for registrations which are gone.
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
