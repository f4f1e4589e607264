//go:build linux

package source

import (
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

// serve answers one connection on the socket that it inherits as descriptor 3. It
// runs in its own process, like a launched server.
func serve() {
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		log.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		log.Fatal(err)
	}
	_, _ = io.WriteString(c, "served")
	_ = c.Close()
}

func launch(t *testing.T, s *Sockets, id task.GUID) {
	t.Helper()
	f, err := s.Lend(id)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), serveHere+"=1")
	cmd.ExtraFiles = []*os.File{f}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for _, address := range []string{"unix:" + path, "tcp:" + freePort(t)} {
		t.Run(address[:4], func(t *testing.T) {
			e := newEvents()
			s := NewSockets(nil, nil, e)
			s.Set(map[task.GUID]task.Trigger{idA: task.SocketActivityTrigger{Listen: address}})
			stop := watch(t, s)
			if err := e.awaitTrouble(t, idA); err != nil {
				t.Fatal(err)
			}
			var clients []net.Conn
			for range 3 {
				clients = append(clients, dial(t, address))
			}
			for i, c := range clients { // one firing for each server, and no connection is lost
				if d := e.next(t, idA).(task.SocketActivityTriggerDetails); d.Address != address {
					t.Errorf("details %+v", d)
				}
				if len(e.fired) != 0 {
					t.Error("fired while the socket is lent")
				}
				launch(t, s, idA)
				if b, err := io.ReadAll(c); err != nil || string(b) != "served" {
					t.Errorf("client %d got %q, %v", i, b, err)
				}
				s.Return(idA)
			}
			c := dial(t, address) // polling continues
			e.next(t, idA)
			_ = c.Close()
			stop()
			if _, err := tryDial(t.Context(), address); err == nil {
				t.Error("the socket is still open")
			}
		})
	}
}

func TestSocketsSet(t *testing.T) {
	e := newEvents()
	s := NewSockets(nil, nil, e)
	watch(t, s)
	a, b := "unix:"+filepath.Join(t.TempDir(), "a"), "unix:"+filepath.Join(t.TempDir(), "b")
	set := func(id task.GUID, address string) {
		t.Helper()
		s.Set(map[task.GUID]task.Trigger{id: task.SocketActivityTrigger{Listen: address}})
		if err := e.awaitTrouble(t, id); err != nil {
			t.Fatal(err)
		}
	}
	set(idA, a)
	dial(t, a)
	e.next(t, idA)
	set(idA, b) // the address changes before Return
	dial(t, b)
	e.next(t, idA)
	set(idB, a)
	dial(t, a)
	e.next(t, idB)
	s.Return(idA) // its registration is gone
	if _, err := s.Lend(idA); !errors.Is(err, task.ErrNotRegistered) {
		t.Errorf("lent: %v", err)
	}
}

func TestSocketsInherited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	e := newEvents()
	dial(t, "unix:"+path) // before the broker started
	s := NewSockets([]Inherited{{Listener: l}}, nil, e)
	if err := s.Check(task.SocketActivityTrigger{Listen: "unix:" + path}); err != nil {
		t.Error(err)
	}
	s.Set(map[task.GUID]task.Trigger{idA: task.SocketActivityTrigger{Listen: "unix:" + path}})
	watch(t, s)
	e.next(t, idA)

	// An inherited socket stays open although it is unused: it could not be opened again.
	s.Set(nil)
	s.Set(map[task.GUID]task.Trigger{idB: task.SocketActivityTrigger{Listen: "unix:" + path}})
	e.next(t, idB)
}

// keeper keeps sockets like systemd.
type keeper struct {
	mu   sync.Mutex
	kept map[string]*os.File
}

func (k *keeper) Keep(name string, file *os.File) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	raw, err := file.SyscallConn()
	if err != nil || k.kept[name] != nil {
		return err == nil
	}
	return raw.Control(func(fd uintptr) {
		var own int
		own, err = unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 0)
		k.kept[name] = os.NewFile(uintptr(own), name)
	}) == nil && err == nil
}

func (k *keeper) Forget(name string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if f := k.kept[name]; f != nil {
		_ = f.Close()
	}
	delete(k.kept, name)
}

func (k *keeper) names() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Collect(maps.Keys(k.kept))
}

// inherited returns the kept sockets as the next broker inherits them.
func (k *keeper) inherited(t *testing.T) (all []Inherited) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, file := range k.kept {
		l, err := net.FileListener(file)
		do(t, err)
		all = append(all, Inherited{l, name})
	}
	return all
}

func TestSocketsThatAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	do(t, err)
	do(t, free.Close())
	for _, address := range []string{"unix:" + path, "tcp:" + free.Addr().String()} {
		e, k := newEvents(), &keeper{kept: map[string]*os.File{}}
		wants := map[task.GUID]task.Trigger{idA: task.SocketActivityTrigger{Listen: address}}
		s := NewSockets(nil, k, e)
		s.Set(wants)
		stop := watch(t, s)
		do(t, e.awaitTrouble(t, idA))
		stop()
		dial(t, address) // while no broker is running

		s = NewSockets(k.inherited(t), k, e)
		s.Set(wants)
		stop = watch(t, s)
		e.next(t, idA)
		s.Set(nil) // now it is unused
		for late := time.Now().Add(sourcetest.Patience); len(k.names()) > 0 && time.Now().Before(late); time.Sleep(time.Millisecond) {
		}
		stop()
		if len(k.names()) > 0 {
			t.Errorf("%s is still kept although it is unused", address)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s exists although no process listens on it", path)
		}
	}
}

// A kept socket whose path was deleted is opened again, and one that is no longer
// wanted is closed.
func TestSocketsThatWereKeptInVain(t *testing.T) {
	dir := t.TempDir()
	e, k := newEvents(), &keeper{kept: map[string]*os.File{}}
	wants := map[task.GUID]task.Trigger{}
	for id, name := range map[task.GUID]string{idA: "a", idB: "b"} {
		wants[id] = task.SocketActivityTrigger{Listen: "unix:" + filepath.Join(dir, name)}
	}
	s := NewSockets(nil, k, e)
	s.Set(wants)
	stop := watch(t, s)
	do(t, errors.Join(e.awaitTrouble(t, idA), e.awaitTrouble(t, idB)))
	stop()
	do(t, os.Remove(filepath.Join(dir, "a")))

	delete(wants, idB)
	s = NewSockets(k.inherited(t), k, e)
	s.Set(wants)
	stop = watch(t, s)
	do(t, e.awaitTrouble(t, idA))
	dial(t, "unix:"+filepath.Join(dir, "a"))
	e.next(t, idA)
	stop()
	if names := k.names(); len(names) != 1 || names[0] != keptName("unix:"+filepath.Join(dir, "a")) {
		t.Errorf("kept: %v", names)
	}
}

func TestSocketsThatAreServed(t *testing.T) {
	address := "unix:" + filepath.Join(t.TempDir(), "s")
	e := newEvents()
	s := NewSockets(nil, nil, e)
	s.Serve(idA) // by a run of the previous broker
	s.Set(map[task.GUID]task.Trigger{idA: task.SocketActivityTrigger{Listen: address}})
	watch(t, s)
	if err := e.awaitTrouble(t, idA); err != nil {
		t.Fatal(err)
	}
	dial(t, address)
	s.Return(idB) // another registration
	if _, err := s.Lend(idA); err != nil || len(e.fired) != 0 {
		t.Errorf("while it is served: %v, %d firings", err, len(e.fired))
	}
	for range 2 {
		s.Return(idA)
		e.next(t, idA)
		if len(e.fired) != 0 {
			t.Error("fired without Return")
		}
	}
}

func TestCheckSockets(t *testing.T) {
	e := newEvents()
	s := NewSockets(nil, nil, e)
	dir := t.TempDir()
	busy, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	for address, want := range map[string]error{
		"unix:" + dir + "/s":             nil,
		"unix:relative":                  task.ErrInvalid,
		"unix:" + dir + "/no/such/dir/s": task.ErrInvalid,
		"tcp:127.0.0.1:0":                nil,
		"tcp:0.0.0.0:8080":               task.ErrInvalid,
		"tcp:192.0.2.1:80":               task.ErrInvalid,
		"tcp:example.com:80":             task.ErrInvalid,
		"tcp:" + busy.Addr().String():    task.ErrConflict,
		"udp:127.0.0.1:1":                task.ErrInvalid,
		"":                               task.ErrInvalid,
	} {
		err := s.Check(task.SocketActivityTrigger{Listen: address})
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", address, err, want)
		}
	}
	stalePath := dir + "/stale"
	l, err := new(net.ListenConfig).Listen(t.Context(), "unix", stalePath)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := s.Check(task.SocketActivityTrigger{Listen: "unix:" + stalePath}); !errors.Is(err, task.ErrConflict) {
		t.Errorf("in use: %v", err)
	}
	_ = l.Close()
	if err := s.Check(task.SocketActivityTrigger{Listen: "unix:" + stalePath}); err != nil {
		t.Errorf("left behind: %v", err)
	}
}

func tryDial(ctx context.Context, address string) (net.Conn, error) {
	network, where, _ := strings.Cut(address, ":")
	return (&net.Dialer{Timeout: sourcetest.Patience}).DialContext(ctx, network, where)
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := tryDial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(sourcetest.Patience))
	return c
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
