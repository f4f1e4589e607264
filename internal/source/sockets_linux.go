package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/task"
)

// listenAgain is the time after which an address that is in use is tried again.
const listenAgain = time.Minute

// Sockets feeds SocketActivityTrigger. It holds the listening sockets and never
// accepts a connection. Connections wait in the kernel for the run that the
// socket is lent to, and those that the run leaves behind wait for the next one.
//
// For each socket there is a cycle. A goroutine polls it and fires once when a
// connection waits. From then on the socket counts as lent, and it does not fire
// again until the broker calls Return, after all runs of that firing have ended.
type Sockets struct {
	*wishes
	events Events
	keeper Keeper // may be nil

	mu        sync.Mutex
	inherited map[string]Inherited // by address; not used by a registration yet
	held      map[task.GUID]*held
	out       map[task.GUID]bool // fired or served, and not returned yet
}

var _ Watcher = (*Sockets)(nil)

// held is the socket of one registration.
type held struct {
	address   string
	listener  net.Listener
	inherited bool          // from before this broker; unless kept, it could not be opened again
	kept      bool          // the Keeper has it for the next broker
	file      *os.File      // a descriptor of the same socket, to poll and to lend
	served    bool          // whether a run was using the address when it was opened
	again     chan struct{} // holds one Return
}

// NewSockets returns a watcher. Inherited sockets (from systemd) are used for the
// triggers that name their addresses. Other sockets are opened, and given to the
// keeper if there is one.
func NewSockets(inherited []Inherited, keeper Keeper, events Events) *Sockets {
	s := &Sockets{wishes: newWishes(), events: events, keeper: keeper, inherited: map[string]Inherited{}, held: map[task.GUID]*held{}, out: map[task.GUID]bool{}}
	for _, i := range inherited {
		s.inherited[i.Addr().Network()+":"+i.Addr().String()] = i
	}
	return s
}

// Entry implements Watcher.
func (s *Sockets) Entry() Entry {
	return Entry{Name: "sockets", Triggers: []string{task.SocketActivityTrigger{}.Class()}, Source: s}
}

// Check implements Watcher. It listens on the address for a moment.
func (s *Sockets) Check(t task.Trigger) error {
	w, ok := t.(task.SocketActivityTrigger)
	if !ok {
		return refuse(task.ErrInvalid, "not a SocketActivityTrigger", "")
	}
	if inherited, err := s.known(w.Listen); inherited || err != nil {
		return err
	}
	l, err := listen(w.Listen) // without the lock, because the broker's loop takes it
	if err != nil {
		return err
	}
	return l.Close()
}

// known reports whether there is an unused inherited socket for the address. It
// returns an error if a registration is using the address.
func (s *Sockets) known(address string) (inherited bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, h := range s.held {
		if h.address == address {
			return false, refuse(task.ErrConflict, "%s is used by the registration %s", "unregister it, or use another address", address, id)
		}
	}
	_, inherited = s.inherited[address]
	return inherited, nil
}

// Watch implements Source. The sockets are closed when ctx ends.
func (s *Sockets) Watch(ctx context.Context, report func(...task.Fact)) error {
	var polls sync.WaitGroup
	defer polls.Wait()
	defer s.drop(nil)
	report()
	return follow(ctx, s.hints, nil, func(context.Context) (time.Duration, error) {
		wanted := of[task.SocketActivityTrigger](s.wishes)
		s.drop(wanted)
		again := time.Duration(0)
		for id, t := range wanted {
			h, err := s.hold(id, t.Listen)
			s.events.Trouble(id, err)
			if err != nil {
				again = listenAgain
			}
			if h != nil {
				polls.Go(func() { s.poll(ctx, id, h) })
			}
		}
		s.forgetUnwanted()
		return again, nil
	})
}

// drop closes the sockets that are no longer wanted. If wanted is nil, the broker
// is exiting.
func (s *Sockets) drop(wanted map[task.GUID]task.SocketActivityTrigger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, h := range s.held {
		if t, ok := wanted[id]; !ok || t.Listen != h.address {
			delete(s.held, id)
			delete(s.out, id)
			_ = h.file.Close()
			switch {
			case wanted == nil: // the broker is exiting
				_ = h.listener.Close()
			case h.kept:
				s.forget(h.address, h.listener)
			case h.inherited:
				s.inherited[h.address] = Inherited{Listener: h.listener}
			default:
				_ = h.listener.Close()
			}
			close(h.again) // Return no longer finds it, so this cannot race; its poll ends
		}
	}
}

// hold opens the socket of a registration. It returns nil if the socket is open
// already.
func (s *Sockets) hold(id task.GUID, address string) (*held, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[id] != nil {
		return nil, nil
	}
	h, err := s.open(address)
	if err == nil {
		h.served = s.out[id]
		s.held[id] = h
	}
	return h, err
}

func (s *Sockets) open(address string) (*held, error) {
	i, inherited := s.inherited[address]
	delete(s.inherited, address)
	l := i.Listener
	if inherited && i.Kept() && i.lost() {
		s.forget(address, l)
		inherited = false
	}
	if !inherited {
		var err error
		if l, err = listen(address); err != nil {
			return nil, err
		}
	}
	f, ok := l.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, refuse(task.ErrInvalid, "%s is not a socket that can be passed to another process", "", address)
	}
	file, err := f.File()
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("hold %s: %w", address, err)
	}
	h := &held{address: address, listener: l, inherited: inherited, kept: inherited && i.Kept(), file: file, again: make(chan struct{}, 1)}
	s.keep(h)
	return h, nil
}

// poll fires when a connection waits. After that it fires again after each Return
// if a connection waits then.
func (s *Sockets) poll(ctx context.Context, id task.GUID, h *held) {
	raw, err := h.file.SyscallConn()
	if err != nil {
		return // closed
	}
	for served := h.served; ; served = true {
		if served {
			select {
			case <-h.again:
			case <-ctx.Done():
				return
			}
		}
		if raw.Read(readable) != nil || !s.fires(id, h) {
			return
		}
		if s.events.Fired(id, task.SocketActivityTriggerDetails{Address: h.address}) != nil {
			return // the next broker finds the connection waiting
		}
	}
}

// fires marks the socket as lent until the next Return. It returns false if the
// socket was closed in the meantime.
func (s *Sockets) fires(id task.GUID, h *held) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[id] != h {
		return false
	}
	s.out[id] = true
	return true
}

// readable reports whether a connection waits. It also returns true when polling
// fails, to end the wait.
func readable(fd uintptr) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, 0)
	return n > 0 || err != nil && err != unix.EINTR
}

// Serve marks a registration as having a run, now or soon, that takes the waiting
// connections. It does not fire until Return.
func (s *Sockets) Serve(id task.GUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out[id] = true
}

// Lend returns the socket of a registration for its run. The caller closes the
// file.
func (s *Sockets) Lend(id task.GUID) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.held[id]
	if _, wanted := of[task.SocketActivityTrigger](s.wishes)[id]; h == nil && wanted {
		return nil, refuse(task.ErrUnavailable, "the socket of %s is not open yet", "run 'bgtask doctor' to see why", id)
	} else if h == nil {
		return nil, refuse(task.ErrNotRegistered, "there is no socket for the registration %s", "", id)
	}
	raw, err := h.file.SyscallConn()
	if err != nil {
		return nil, err
	}
	// Use a new descriptor, because starting a process with one makes it blocking.
	fd, failed := -1, error(nil)
	err = raw.Control(func(old uintptr) { fd, failed = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 0) })
	if err = errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("lend %s: %w", h.address, err)
	}
	return os.NewFile(uintptr(fd), h.address), nil
}

// Return reports that all runs of a firing have ended: from now on a waiting
// connection fires again. It must follow each firing and is harmless at other
// times.
func (s *Sockets) Return(id task.GUID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, out := s.held[id], s.out[id]
	delete(s.out, id)
	switch {
	case h == nil:
		s.hints.give() // a run of the previous broker was using the address
	case out:
		hints(h.again).give()
	}
}

// listen opens a socket for "unix:/path" or "tcp:host:port". TCP is limited to
// the loopback interface: registering a task must not open the machine to the
// network.
func listen(address string) (net.Listener, error) {
	network, where, _ := strings.Cut(address, ":")
	switch network {
	case "unix":
		return listenUnix(where)
	case "tcp":
		host, _, err := net.SplitHostPort(where)
		ip := net.ParseIP(host)
		if err != nil || ip == nil || !ip.IsLoopback() {
			return nil, refuse(task.ErrInvalid, "%q is not on the loopback interface", "use tcp:127.0.0.1:PORT or tcp:[::1]:PORT", address)
		}
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", where)
		return l, inUse(address, err)
	}
	return nil, refuse(task.ErrInvalid, "%q is not an address to listen on", "use unix:/PATH or tcp:127.0.0.1:PORT", address)
}

func listenUnix(path string) (net.Listener, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, refuse(task.ErrInvalid, "the socket path %q is not absolute", "", path)
	}
	if stale(path) {
		_ = os.Remove(path)
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, inUse("unix:"+path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// stale reports whether path is a socket on which no process listens any more.
func stale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	c, err := new(net.Dialer).DialContext(context.Background(), "unix", path)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func inUse(address string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return refuse(task.ErrConflict, "%s is in use", "run 'ss -lp' to see which process uses it", address)
	}
	return refuse(task.ErrInvalid, "cannot listen on %s: %v", "", address, err)
}
