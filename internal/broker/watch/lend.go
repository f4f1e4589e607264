//go:build linux

package watch

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// loansAtOnce bounds the connections that are answered at a time.
const loansAtOnce = 16

// Lend lends listening sockets to the runs of SocketActivityTriggers, on a socket beside
// the broker's, until stop is called or the loop has ended. Its goroutines belong to
// background.
//
// A run asks for its socket; the launch of its class server does not bring it. One
// server serves many registrations, and an application that runs already has to get it
// too.
func (w *Watches) Lend(socket string, background *sync.WaitGroup) (stop func()) {
	l, err := wire.Listen(wire.LendSocket(socket))
	if err != nil {
		w.Log.Error("cannot lend listening sockets to runs", "err", err)
		return func() {}
	}
	life := w.Loop.Life()
	places := make(chan struct{}, loansAtOnce)
	background.Go(func() {
		for {
			conn, err := l.AcceptUnix()
			if errors.Is(err, net.ErrClosed) {
				return
			} else if err != nil {
				w.Log.Error("cannot accept the connection of a run that asks for its socket", "err", err)
				return
			}
			places <- struct{}{}
			background.Go(func() {
				defer func() { <-places }()
				defer context.AfterFunc(life, func() { _ = conn.Close() })()
				if err := wire.Lend(conn, os.Getuid(), w.listenerOf); err != nil {
					w.Log.Info("a listening socket was not lent", "err", err)
				}
			})
		}
	})
	stop = sync.OnceFunc(func() { _ = l.Close() })
	context.AfterFunc(life, stop)
	return stop
}

// listenerOf returns the socket for a run of a process.
func (w *Watches) listenerOf(pid int, instance task.GUID) (*os.File, error) {
	var id task.GUID
	var host engine.HostID
	var live bool
	if err := w.Loop.Query(w.Loop.Life(), func(state loop.State, _ engine.Instant) { id, host, live = state.RunOf(instance) }); err != nil {
		return nil, err
	}
	if !live || host.PID != pid {
		return nil, &task.Error{Subject: instance.String(), Err: task.ErrNotRegistered, Detail: "this process has no such run"}
	}
	return w.sockets.Lend(id)
}
