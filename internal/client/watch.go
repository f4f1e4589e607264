package client

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// Watch yields events, starting with a snapshot or after a cursor, until ctx ends; then
// it stops without an error. It reconnects by itself after a restart of the broker, or
// when it was too slow, and misses nothing that is stored.
func (c *Client) Watch(ctx context.Context, q wire.WatchQuery) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		synced := q.Since != ""
		first := true
		var pace pace
		for ctx.Err() == nil {
			for event, err := range c.watchOnce(ctx, q, first) {
				if err != nil {
					if ctx.Err() != nil || !again(err, first) {
						if ctx.Err() == nil {
							yield(event, err)
						}
						return
					}
					c.logger().Debug("watching again", "cursor", q.Since, "because", err)
					break
				}
				first = false
				pace.reset()
				if synced = synced || event.Kind == task.EventSynced; synced {
					q.Since = event.Cursor()
				}
				if !yield(event, nil) {
					return
				}
			}
			if !pace.wait(ctx) {
				return
			}
		}
	}
}

// again reports whether a watch that failed is worth another try. The first stream was
// already tried twice, and its caller needs to know that it failed.
func again(err error, first bool) bool {
	switch {
	case errors.Is(err, task.ErrWatchLagged):
		return true
	case first:
		return false
	}
	return errors.Is(err, task.ErrUnavailable) || errors.Is(err, task.ErrBusy) || errors.Is(err, io.EOF)
}

// watchOnce opens one stream. Only the first may start a broker.
func (c *Client) watchOnce(ctx context.Context, q wire.WatchQuery, start bool) iter.Seq2[task.Event, error] {
	open := func(ctx context.Context, l *link) (grpc.ServerStreamingClient[pb.WatchResponse], error) {
		return l.broker.Watch(ctx, wire.WatchQueryTo(q))
	}
	convert := func(m *pb.WatchResponse) (task.Event, error) { return wire.EventFrom(m.GetEvent()) }
	return streamFrom(ctx, c, "watch", start, open, convert)
}

// pace spaces attempts to reconnect: quickly at first, then every five seconds.
type pace struct{ next time.Duration }

const paceFirst = 100 * time.Millisecond

func (p *pace) reset() { p.next = 0 }

// wait waits for the next attempt. It returns false if ctx has ended.
func (p *pace) wait(ctx context.Context) bool {
	p.next = min(max(2*p.next, paceFirst), task.ReconnectAtMost)
	timer := time.NewTimer(p.next)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
