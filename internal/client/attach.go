package client

import (
	"context"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
)

// Attach opens a host's stream.
func (c *Client) Attach(ctx context.Context, start bool) (Stream, error) {
	return callFrom(ctx, c, "serve", start, func(l *link) (Stream, error) {
		s, err := l.host.Attach(ctx)
		if err != nil {
			return nil, err
		}
		return hostStream{s}, nil
	})
}

// hostStream is a host's stream over the socket.
type hostStream struct {
	grpc.BidiStreamingClient[pb.AttachRequest, pb.AttachResponse]
}

func (s hostStream) Send(f wire.HostFrame) error {
	return s.BidiStreamingClient.Send(wire.HostFrameTo(f))
}

func (s hostStream) Recv() (wire.BrokerFrame, error) {
	m, err := s.BidiStreamingClient.Recv()
	if err != nil {
		return nil, wire.Error("serve", err)
	}
	return wire.BrokerFrameFrom(m)
}
