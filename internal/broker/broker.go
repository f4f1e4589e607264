//go:build linux

package broker

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/broker/hosts"
	"github.com/bgtask/bgtask/internal/broker/launches"
	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/broker/packages"
	"github.com/bgtask/bgtask/internal/broker/rpc"
	"github.com/bgtask/bgtask/internal/broker/systemd"
	"github.com/bgtask/bgtask/internal/broker/watch"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/internal/source"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/task"
)

// broker holds the rooms of a broker together.
type broker struct {
	cfg      Config
	settings settings
	log      *slog.Logger
	started  time.Time
	fail     func(error) // makes the broker hand over and end, with an error or nil

	loop     *loop.Handle
	engine   *engine.Engine // for actions, which are performed on the loop
	hub      *loop.Hub
	hosts    *hosts.Hosts
	launches *launches.Launches
	packages *packages.Manager
	watches  *watch.Watches
	service  *systemd.Service
	store    *store.Store
	sources  []source.Chain
	server   *grpc.Server

	background sync.WaitGroup // goroutines that end with the loop, or with their stream
	socket     sync.WaitGroup // the goroutine that makes the socket again when it is removed
}

// assemble makes the rooms, with the state that the last broker left. Life ends when the
// loop has ended.
func (b *broker) assemble(life context.Context, machine *process.Supervisor, saved engine.State) {
	b.loop, b.hub, b.service = loop.NewHandle(life), loop.NewHub(), systemd.NewService(b.log)
	b.hosts = hosts.New(b.loop, &b.background, b.log)
	b.launches = launches.New(launches.Config{
		Life: life, Supervisor: machine, Urge: b.loop.Urge, Drained: b.hosts.Drained, Log: b.log,
		Environ: func(ctx context.Context) []string { return systemd.Environment(ctx, b.cfg.Socket, b.log) },
	}, saved.Launches)
	b.watches = watch.New(watch.Config{
		Loop: b.loop, Log: b.log, StateDir: b.cfg.StateDir,
		Sockets: b.cfg.Sockets, Keeper: b.service.Keeper(), PushDistributor: b.settings.PushDistributor,
	})
	b.watches.Serving(saved.Occurrences)
	b.packages = packages.New(packages.Config{
		Loop: b.loop, Log: b.log, StateDir: b.cfg.StateDir, TrustDir: filepath.Join(filepath.Dir(b.cfg.ConfigFile), "trusted"),
		History: b.store, Supervisor: machine, Background: &b.background,
		WatchFolders: func(dirs []string, changed func()) {
			b.watches.WatchFolders(systemFolders, "system packages", dirs, changed)
		},
	})
	b.sources = b.chains()
	b.server = rpc.NewServer(rpc.Config{
		Loop: b.loop, Hub: b.hub, Hosts: b.hosts, Launches: b.launches, Packages: b.packages, Watches: b.watches, Supervisor: machine, Store: b.store,
		Sources: sourceNames(b.sources), StopWithin: b.stopWithin(), About: b.about, Log: b.log,
	}, os.Getuid())
}

// systemFolders is the id of the watch of the folders with the system's packages.
var systemFolders = task.MustGUID("5d1b7a52-6f4c-4d0e-9a77-6b4d0f4b8c11")

// chains returns the sources of this machine and the watches.
func (b *broker) chains() []source.Chain {
	chains := b.cfg.Sources
	if chains == nil {
		chains = source.Default(source.Options{StateDir: b.cfg.StateDir, Probe: b.settings.Probe, Shutdown: b.stopForShutdown})
	}
	return slices.Concat(chains, b.watches.Chains())
}

// sourceStates returns the sources as they are before they have reported.
func sourceStates(chains []source.Chain) []task.SourceState {
	var all []task.SourceState
	for _, c := range chains {
		for _, e := range c {
			all = append(all, task.SourceState{Name: e.Name, Facts: e.Facts, Triggers: e.Triggers})
		}
	}
	return all
}

func sourceNames(chains []source.Chain) []string {
	var names []string
	for _, s := range sourceStates(chains) {
		names = append(names, s.Name)
	}
	return names
}

// sink takes what the machine's sources report.
type sink struct{ loop *loop.Handle }

func (s sink) Facts(source string, facts []task.Fact) {
	s.loop.Report(engine.FactsReported{Source: source, Facts: facts})
}

func (s sink) State(state task.SourceState) {
	s.loop.Urge(engine.SourceChanged{State: state})
}

// stopWithin is how long a stop waits for the runs, unless the request says.
func (b *broker) stopWithin() time.Duration {
	return b.settings.policy().CancelGrace + task.KillDelay + task.KillGrace
}

// about returns the broker's own part of its status.
func (b *broker) about(ctx context.Context) task.Status {
	return task.Status{
		Version: b.cfg.Version, PID: os.Getpid(), Started: b.started, StartedBy: b.cfg.StartedBy, Socket: b.cfg.Socket, StateDir: b.cfg.StateDir,
		StoreSize: storeSize(b.cfg.StateDir), Policy: b.settings.policy(),
		Checks: slices.Concat(systemd.Checks(ctx, b.cfg.StartedBy), b.watches.Checks(ctx), b.packages.Checks()),
	}
}

func storeSize(dir string) (size int64) {
	for _, name := range []string{"store.db", "store.db-wal"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			size += info.Size()
		}
	}
	return size
}
