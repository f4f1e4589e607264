//go:build linux

package rpc

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/bgtask/bgtask/internal/broker/hosts"
	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/broker/packages"
	"github.com/bgtask/bgtask/internal/broker/watch"
	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/internal/store"
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
