//go:build linux

package rpc

import (
	"context"
	"fmt"
	"runtime/debug"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// NewServer returns the gRPC server of one user.
func NewServer(c Config, uid int) *grpc.Server {
	s := &service{Config: c, externals: newExternals(c.Sources), simulating: make(chan struct{}, 1)}
	options := append(wire.ServerOptions(uid),
		grpc.StatsHandler(connections{}),
		grpc.WaitForHandlers(true),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (resp any, err error) {
			defer s.guard(&err)
			return handle(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
			defer s.guard(&err)
			return handle(srv, stream)
		}),
	)
	server := grpc.NewServer(options...)
	pb.RegisterBrokerServiceServer(server, s)
	pb.RegisterHostServiceServer(server, s)
	return server
}

// guard turns an error into a status, and a panic too: one bad call must not end the
// broker for all others. No handler touches the engine, so a panic cannot harm it.
func (s *service) guard(err *error) {
	if p := recover(); p != nil {
		s.Log.Error("a call made the broker panic; this is a bug in bgtask, please report it", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		*err = &task.Error{Err: task.ErrInternal, Detail: "this is a bug in bgtask", Hint: "please report this; the details are in the broker's log"}
	}
	*err = wire.Status(*err)
}
