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

// endpoint is the broker's socket, and the lock on its directory: one broker for
// each user.
type endpoint struct {
	path      string
	lock      *store.DirLock
	listener  *net.UnixListener
	inherited bool // somebody else made it and holds it too
	made      os.FileInfo
}

// reserve takes the lock of the socket's directory, so that of two brokers that
// start at once none removes the other's socket.
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
		return nil, startError(dir, fmt.Errorf("the directory of its socket cannot be made: %w", err), "")
	}
	if e.lock, err = store.Lock(dir); err != nil {
		return nil, err
	}
	return e, nil
}

// bind makes the socket. It comes late: whoever starts a broker takes the socket for
// its word that it serves.
func (e *endpoint) bind() (err error) {
	if e.listener == nil {
		e.listener, err = wire.Listen(e.path)
	}
	e.made = e.found()
	return err
}

// Close removes the socket, if it is ours, and gives the lock back.
func (e *endpoint) Close() error {
	if e.listener != nil {
		e.listener.Close() // the server did, if there was one
	}
	return e.lock.Unlock()
}

// serve accepts clients until the broker ends, on a new socket when the one that
// it has is removed from under it.
func (b *broker) serve(server *grpc.Server, e *endpoint) {
	changes, err := fsnotify.NewWatcher()
	if err == nil {
		err = changes.Add(filepath.Dir(e.path))
		defer changes.Close()
	}
	if err != nil {
		b.log.Warn("nobody will notice when the socket is removed", "err", err)
		changes = &fsnotify.Watcher{}
	}
	stopLending := b.lend(e.path)
	b.accept(server, e.listener)
	for {
		if !e.there() {
			if err := e.bindAgain(); err != nil {
				b.fail(err)
				return
			}
			b.log.Warn("the socket was removed; a new one was made", "socket", e.path)
			stopLending()
			stopLending = b.lend(e.path)
			b.accept(server, e.listener)
		}
		select {
		case <-b.life.Done():
			return
		case <-changes.Events:
		case <-changes.Errors:
		}
	}
}

func (b *broker) accept(server *grpc.Server, l net.Listener) {
	b.background.Go(func() {
		if err := server.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) && !errors.Is(err, net.ErrClosed) {
			b.fail(fmt.Errorf("clients cannot be served any more: %w", err))
		}
	})
}

// found is the socket as it is in the file system; nil when it is gone.
func (e *endpoint) found() os.FileInfo {
	info, err := os.Lstat(e.path)
	if err != nil {
		return nil
	}
	return info
}

// there says whether clients still find the socket that was made.
func (e *endpoint) there() bool {
	now := e.found()
	return e.made != nil && now != nil && os.SameFile(e.made, now)
}

func (e *endpoint) bindAgain() error {
	if e.inherited {
		return &task.Error{Op: "serve", Subject: e.path, Err: task.ErrUnavailable, Detail: "the socket was removed, and it is not ours to make again",
			Hint: "systemctl --user restart bgtask.socket"}
	}
	e.listener.SetUnlinkOnClose(false) // what is there by now is another's
	e.listener.Close()
	l, err := wire.Listen(e.path)
	if err != nil {
		return fmt.Errorf("the socket was removed, and no new one can be made: %w", err)
	}
	e.listener, e.made = l, e.found()
	return nil
}
