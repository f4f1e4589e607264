//go:build linux

package rpc

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/broker/hosts"
	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/broker/packages"
	"github.com/bgtask/bgtask/internal/broker/watch"
	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// Launches are the processes that the broker started: a launches.Launches.
type Launches interface {
	PackageOf(token task.LaunchToken) string
	Leads(p task.Process, token task.LaunchToken) bool
	Settled(ctx context.Context, token task.LaunchToken) error
	Follow(p task.Process)
}

// Supervisor looks at processes and has the output of launches: a process.Supervisor.
type Supervisor interface {
	Identify(pid int) (task.Process, error)
	Executable(p task.Process) (string, error)
	LaunchOf(p task.Process) (task.LaunchToken, bool)
	Output(token task.LaunchToken, from, to time.Time) ([]process.Chunk, error)
}

// Store reads stored events: a store.Store.
type Store interface {
	History(ctx context.Context, q store.Query) ([]task.Event, error)
	Events(ctx context.Context, after, upTo uint64) iter.Seq2[task.Event, error]
}

// Config is what the protocol's face needs. All fields have to be set.
type Config struct {
	Loop       *loop.Handle
	Hub        *loop.Hub
	Hosts      *hosts.Hosts
	Launches   Launches
	Packages   *packages.Manager
	Watches    *watch.Watches
	Supervisor Supervisor
	Store      Store
	Sources    []string                          // names that external sources may not take
	StopWithin time.Duration                     // how long a stop waits for the runs, unless the request says
	About      func(context.Context) task.Status // the status without what the engine and the hosts know
	Log        *slog.Logger
}

// service implements the protocol's services.
type service struct {
	pb.UnimplementedBrokerServiceServer
	pb.UnimplementedHostServiceServer
	Config
	externals  *externals
	simulating chan struct{} // holds a token while something is simulated
}

var (
	_ pb.BrokerServiceServer = (*service)(nil)
	_ pb.HostServiceServer   = (*service)(nil)
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
