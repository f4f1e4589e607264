//go:build linux

package broker

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// loansAtOnce bounds the connections that are answered at a time.
const loansAtOnce = 16

// lend hands listening sockets to the runs of SocketActivityTriggers, until it is
// stopped or the broker ends. A run asks for it, and not the launch of
// its class server brings it: one server serves many registrations, and an
// application that runs already has to have it too.
func (b *broker) lend(socket string) (stop func()) {
	l, err := wire.Listen(wire.LendSocket(socket))
	if err != nil {
		b.log.Error("no listener can be handed to a run", "err", err)
		return func() {}
	}
	places := make(chan struct{}, loansAtOnce)
	b.background.Go(func() {
		for {
			conn, err := l.AcceptUnix()
			if errors.Is(err, net.ErrClosed) {
				return
			} else if err != nil {
				b.log.Error("a run's connection cannot be accepted", "err", err)
				return
			}
			places <- struct{}{}
			b.background.Go(func() {
				defer func() { <-places }()
				defer context.AfterFunc(b.life, func() { conn.Close() })()
				if err := wire.Lend(conn, os.Getuid(), b.listenerOf); err != nil {
					b.log.Info("a listener was not handed over", "err", err)
				}
			})
		}
	})
	stop = sync.OnceFunc(func() { l.Close() })
	context.AfterFunc(b.life, stop)
	return stop
}

// listenerOf finds the socket for a run of a process.
func (b *broker) listenerOf(pid int, instance task.GUID) (*os.File, error) {
	var id task.GUID
	var host engine.HostID
	var live bool
	if err := b.query(b.life, func(engine.Instant) { id, host, live = b.engine.RunOf(instance) }); err != nil {
		return nil, err
	}
	if !live || host.PID != pid {
		return nil, &task.Error{Subject: instance.String(), Err: task.ErrNotRegistered, Detail: "this process has no such run"}
	}
	return b.watches.sockets.Lend(id)
}
