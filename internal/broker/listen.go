//go:build linux

package broker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// endpoint is the broker's socket and the lock on its directory. The lock makes sure that
// each user has one broker.
type endpoint struct {
	path      string
	lock      *store.DirLock
	listener  *net.UnixListener
	inherited bool        // the service manager made the socket and holds it too
	made      os.FileInfo // the socket in the file system, as it was made
}

// reserve takes the lock of the socket's directory, so that of two brokers that start at
// the same time neither removes the other's socket.
func reserve(cfg *Config) (*endpoint, error) {
	e := &endpoint{path: cfg.Socket, listener: cfg.Listener, inherited: cfg.Listener != nil}
	if e.inherited {
		e.path = e.listener.Addr().String()
	}
	var err error
	if e.path == "" {
		if e.path, err = wire.SocketPath(); err != nil {
			return nil, err
		}
	}
	if e.path, err = filepath.Abs(e.path); err != nil {
		return nil, err
	}
	cfg.Socket = e.path
	dir := filepath.Dir(e.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, startError(dir, fmt.Errorf("cannot make the directory of the socket: %w", err), "")
	}
	if e.lock, err = store.Lock(dir); err != nil {
		return nil, err
	}
	return e, nil
}

// bind makes the socket. It comes late, because programs that start a broker wait for the
// socket and then expect to be served.
func (e *endpoint) bind() (err error) {
	if e.listener == nil {
		e.listener, err = wire.Listen(e.path)
	}
	e.made = e.found()
	return err
}

// Close removes the socket, unless it was inherited, and releases the lock.
func (e *endpoint) Close() error {
	if e.listener != nil {
		_ = e.listener.Close() // the server has closed it already, if there was one
	}
	return e.lock.Unlock()
}

// serve accepts clients until the broker ends. When the socket is removed from the file
// system, it makes a new one.
func (b *broker) serve(e *endpoint) {
	changes, err := fsnotify.NewWatcher()
	if err == nil {
		err = changes.Add(filepath.Dir(e.path))
		defer changes.Close()
	}
	if err != nil {
		b.log.Warn("cannot watch the socket; a removed socket will not be made again", "err", err)
		changes = &fsnotify.Watcher{}
	}
	stopLending := b.watches.Lend(e.path, &b.background)
	b.accept(e.listener)
	for {
		if !e.there() {
			if err := e.bindAgain(); err != nil {
				b.fail(err)
				return
			}
			b.log.Warn("the socket was removed; made a new one", "socket", e.path)
			stopLending()
			stopLending = b.watches.Lend(e.path, &b.background)
			b.accept(e.listener)
		}
		select {
		case <-b.loop.Life().Done():
			return
		case <-changes.Events:
		case <-changes.Errors:
		}
	}
}

// accept serves clients on l until the server is stopped.
func (b *broker) accept(l net.Listener) {
	b.background.Go(func() {
		if err := b.server.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) && !errors.Is(err, net.ErrClosed) {
			b.fail(fmt.Errorf("cannot serve clients anymore: %w", err))
		}
	})
}

// found returns the socket as it is in the file system, or nil when it is gone.
func (e *endpoint) found() os.FileInfo {
	info, err := os.Lstat(e.path)
	if err != nil {
		return nil
	}
	return info
}

// there reports whether clients still find the socket that was made.
func (e *endpoint) there() bool {
	now := e.found()
	return e.made != nil && now != nil && os.SameFile(e.made, now)
}

func (e *endpoint) bindAgain() error {
	if e.inherited {
		return &task.Error{Op: "serve", Subject: e.path, Err: task.ErrUnavailable, Detail: "the socket was removed; only the service manager that made it can make it again",
			Hint: "systemctl --user restart bgtask.socket"}
	}
	e.listener.SetUnlinkOnClose(false) // a socket that is there now belongs to another process
	_ = e.listener.Close()
	l, err := wire.Listen(e.path)
	if err != nil {
		return fmt.Errorf("the socket was removed, and making a new one failed: %w", err)
	}
	e.listener, e.made = l, e.found()
	return nil
}
