//go:build linux

package broker

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/broker/systemd"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/source"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/task"
)

// broker is what the parts of the shell share.
type broker struct {
	cfg      Config
	settings settings
	log      *slog.Logger
	started  time.Time

	engine *engine.Engine // the loop's
	inbox  *inbox
	life   context.Context // ends when the loop has ended
	fail   func(error)     // makes the broker hand over, since it cannot go on

	requests  *requests
	hub       *hub
	hosts     *hosts
	processes *processes
	directory *directory
	externals *externals
	watches   *watches
	removals  *removals
	sweeper   *sweeper
	system    *system
	sources   []source.Chain

	store     *store.Store // its readers
	inspector inspector
	service   *systemd.Service
	recorder  recorder

	versions   string        // holds what was extracted from package files, each version in a folder with its full name
	installing chan struct{} // holds a token while nothing is being unpacked or swept
	simulating chan struct{} // holds a token while something is simulated

	background sync.WaitGroup // goroutines that end with their stream, or soon
	socket     sync.WaitGroup // who makes the socket again when it is removed
}

func newBroker(cfg Config, s settings) *broker {
	b := &broker{
		cfg: cfg, settings: s, log: cfg.Logger, started: time.Now(),
		inbox: newInbox(task.MaxInbox), requests: newRequests(), hub: newHub(), hosts: newHosts(),
		installing: make(chan struct{}, 1), simulating: make(chan struct{}, 1),
	}
	b.service = systemd.NewService(b.log)
	b.installing <- struct{}{}
	b.versions = versionsDir(cfg.StateDir)
	b.directory = &directory{ask: b.packages}
	b.watches = newWatches(b)
	b.removals = newRemovals()
	b.sweeper = newSweeper(b)
	b.system = newSystem(b)
	return b
}

func (b *broker) packages(ctx context.Context) (all []task.Package, err error) {
	err = b.query(ctx, func(engine.Instant) { all = b.engine.Packages() })
	return all, err
}

// stopWithin is how long a stop waits for the runs when nobody says.
func (b *broker) stopWithin() time.Duration {
	return b.settings.policy().CancelGrace + task.KillDelay + task.KillGrace
}
