package client

import (
	"context"
	"io"
	"sync"

	"github.com/bgtask/bgtask/internal/wire"
)

// Pipe returns a host's stream in memory and the broker's end of it, for brokers
// without a socket. The stream ends with ctx.
func Pipe(ctx context.Context) (Stream, *Far) {
	p := &pipe{ctx: ctx, up: make(chan wire.HostFrame), down: make(chan wire.BrokerFrame), hungUp: make(chan struct{}), closed: make(chan struct{})}
	return near{p}, &Far{p}
}

type pipe struct {
	ctx    context.Context
	up     chan wire.HostFrame
	down   chan wire.BrokerFrame
	hungUp chan struct{} // closed when the host sends nothing more
	once   sync.Once
	closed chan struct{} // closed when the broker ended the stream
	why    error         // valid once closed is closed
}

type near struct{ *pipe }

var _ Stream = near{}

func (p near) Send(f wire.HostFrame) error {
	select {
	case p.up <- f:
		return nil
	case <-p.closed:
		return io.EOF
	case <-p.ctx.Done():
		return io.EOF
	}
}

func (p near) Recv() (wire.BrokerFrame, error) {
	select {
	case f := <-p.down:
		return f, nil
	case <-p.closed:
		return nil, p.why
	case <-p.ctx.Done():
		return nil, context.Cause(p.ctx)
	}
}

func (p near) CloseSend() error { close(p.hungUp); return nil }

// Far is the broker's end. One goroutine may send while another receives.
type Far struct{ *pipe }

// Send passes a frame to the host. It fails with io.EOF if the stream has ended.
func (p *Far) Send(f wire.BrokerFrame) error {
	select {
	case p.down <- f:
		return nil
	case <-p.closed:
		return io.EOF
	case <-p.ctx.Done():
		return io.EOF
	}
}

// Recv returns the next frame of the host. It fails with io.EOF if the host sends
// nothing more or is gone.
func (p *Far) Recv() (wire.HostFrame, error) {
	select {
	case f := <-p.up:
		return f, nil
	case <-p.hungUp:
		return nil, io.EOF
	case <-p.closed:
		return nil, io.EOF
	case <-p.ctx.Done():
		return nil, io.EOF
	}
}

// Close ends the stream; the host gets why as the error. Only the first call counts.
func (p *Far) Close(why error) {
	p.once.Do(func() {
		p.why = why
		close(p.closed)
	})
}
