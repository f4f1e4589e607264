package wire

import (
	"context"
	"net"
	"os"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// callerKey is the metadata key under which each call carries its Caller. The suffix
// "-bin" lets gRPC carry bytes.
const callerKey = "bgtask-caller-bin"

const (
	maxHeaders       = 64 << 10
	maxStreams       = 256 // of one connection: watchers and concurrent calls
	handshakeTimeout = 10 * time.Second
)

// ServerOptions returns the options of a gRPC server that serves one user on a Unix
// socket, within the limits.
func ServerOptions(uid int) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(sameUser{uid: uid, open: new(atomic.Int64)}),
		grpc.MaxRecvMsgSize(task.MaxMessage),
		grpc.MaxSendMsgSize(task.MaxMessage),
		grpc.MaxHeaderListSize(maxHeaders),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ConnectionTimeout(handshakeTimeout),
	}
}

// Dial returns a connection to the broker's socket, which is made at first use. Every
// call on it names caller as its sender.
func Dial(path string, caller Caller) (*grpc.ClientConn, error) {
	value, err := proto.Marshal(&pb.Caller{Package: text(caller.Package), Executable: text(caller.Executable), User: caller.User, Version: text(caller.Version)})
	if err != nil {
		return nil, err
	}
	with := func(ctx context.Context) context.Context {
		return metadata.AppendToOutgoingContext(ctx, callerKey, string(value))
	}
	return grpc.NewClient("passthrough:///bgtask",
		grpc.WithTransportCredentials(sameUser{uid: os.Getuid()}),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(task.MaxMessage), grpc.MaxCallSendMsgSize(task.MaxMessage)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 2, Jitter: 0.2, MaxDelay: task.ReconnectAtMost},
			MinConnectTimeout: handshakeTimeout,
		}),
		grpc.WithDisableServiceConfig(),
		grpc.WithIdleTimeout(0),
		grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return invoke(with(ctx), method, req, reply, cc, opts...)
		}),
		grpc.WithStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, stream grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return stream(with(ctx), desc, cc, method, opts...)
		}),
	)
}

// CallerFrom returns what the sender of a call claims to be: the zero Caller if it
// claims nothing.
func CallerFrom(ctx context.Context) (Caller, error) {
	values := metadata.ValueFromIncomingContext(ctx, callerKey)
	if len(values) == 0 {
		return Caller{}, nil
	}
	var m pb.Caller
	if err := proto.Unmarshal([]byte(values[0]), &m); err != nil || len(values) > 1 {
		return Caller{}, &task.Error{Subject: callerKey, Err: task.ErrInvalid, Detail: "this metadata is not one bgtask.v1.Caller"}
	}
	return request(&m, (*decoder).caller)
}

func (d *decoder) caller(m *pb.Caller) Caller {
	return Caller{
		Package:    d.text("caller.package", m.GetPackage(), task.MaxName),
		Executable: d.text("caller.executable", m.GetExecutable(), task.MaxPath),
		User:       m.GetUser(),
		Version:    d.text("caller.version", m.GetVersion(), task.MaxName),
	}
}
