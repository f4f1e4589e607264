//go:build linux

package broker

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/broker/clock"
	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/broker/systemd"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/source"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/task"
)

// Run runs a broker. It serves its user until ctx ends and then hands over: it starts
// nothing more, commits, and leaves all runs to the next broker. Run also returns, with
// nil, when the broker was stopped, and with an error when it cannot go on. It leaves
// nothing behind but the processes that it launched.
func Run(ctx context.Context, cfg Config) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	settings, err := readSettings(cfg.ConfigFile)
	if err != nil {
		return err
	}
	e, err := reserve(&cfg)
	if err != nil {
		return err
	}
	defer e.Close()
	if err := os.MkdirAll(cfg.StateDir, 0o700); err != nil {
		return startError(cfg.StateDir, fmt.Errorf("cannot make the state directory: %w", err), "use another one: --state")
	}
	st, err := store.Open(ctx, cfg.StateDir, store.Options{Setting: "--state"})
	if err != nil {
		return err
	}
	b := &broker{cfg: cfg, settings: settings, log: cfg.Logger, started: time.Now(), store: st}
	return errors.Join(b.run(ctx, e), st.Close())
}

// run puts the rooms together, runs the loop, and takes them apart again.
func (b *broker) run(ctx context.Context, e *endpoint) error {
	machine, err := newSupervisor(b.cfg.StateDir, b.log)
	if err != nil {
		return err
	}
	machineClock, err := clock.New()
	if err != nil {
		return err
	}
	alarm, err := clock.NewAlarm()
	if err != nil {
		return err
	}
	defer alarm.Close()
	collect := collectLater()
	defer collect()
	saved, err := b.store.Load(ctx)
	if err != nil {
		return err
	}
	saved.Zones = savedZones(saved, b.log)
	if err := e.bind(); err != nil {
		return err
	}

	life, die := context.WithCancel(context.Background())
	defer die()
	turning, stop := context.WithCancelCause(context.Background())
	b.fail = stop
	defer stop(nil)
	b.assemble(life, machine, saved)
	b.log.Info("the broker starts", "version", b.cfg.Version, "pid", os.Getpid(), "socket", b.cfg.Socket, "state", b.cfg.StateDir,
		"tasks", len(saved.Registrations), "runs", len(saved.Runs))
	var restored engine.Output
	b.engine, restored = engine.Restore(machineClock.Now(), engine.Config{Policy: b.settings.policy(), Seed: seed(), Commands: b.cfg.Commands, Sources: sourceStates(b.sources)}, saved)
	collect()
	l := &loop.Loop{Engine: b.engine, Store: b.store, Clock: machineClock, Alarm: alarm, Performer: b, Handle: b.loop, Log: b.log}

	b.loop.Defer(func() { b.begin(e) }) // after what the last broker left to do
	b.background.Go(func() { machine.Run(life) })
	b.background.Go(func() { b.awaitSignal(ctx) })
	err = l.Run(turning, restored)
	b.end(die, err == nil && turning.Err() == nil)
	if cause := context.Cause(turning); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

// collectLater postpones garbage collection while the state is loaded, until the returned
// function is called: nearly everything that is allocated then stays.
func collectLater() (collect func()) {
	percent := debug.SetGCPercent(400)
	return sync.OnceFunc(func() { debug.SetGCPercent(percent) })
}

// awaitSignal hands over when ctx ends, or ends all runs when the session or the machine
// is ending.
func (b *broker) awaitSignal(ctx context.Context) {
	life := b.loop.Life()
	select {
	case <-life.Done():
		return
	case <-ctx.Done():
	}
	if reason, ending := systemd.Ending(life); ending {
		b.log.Info("the session or the machine is ending; canceling all runs", "reason", reason.String())
		b.loop.StopAll(reason, b.stopWithin())
		return
	}
	b.fail(nil)
}

// stopForShutdown cancels all runs when the machine is about to shut down. Logind delays
// the shutdown until the broker has ended.
func (b *broker) stopForShutdown(within time.Duration) {
	b.log.Info("the machine is shutting down; canceling all runs", "within", within)
	b.loop.StopAll(task.ReasonTerminating, within)
}

// systemWithin bounds how long clients wait until the folders with the system's packages
// were read.
const systemWithin = 10 * time.Second

// begin starts to serve clients and to follow the machine. It is called on the loop, after
// everything that the last broker left to do.
func (b *broker) begin(e *endpoint) {
	life := b.loop.Life()
	b.background.Go(debug.FreeOSMemory) // what loading took and is no longer needed
	b.launches.EndStrays()
	b.watches.Begin()
	b.background.Go(func() { source.Run(life, b.sources, sink{b.loop}) })
	b.background.Go(b.packages.Sweep)
	b.background.Go(b.packages.FollowSystem)
	b.socket.Go(func() {
		b.packages.AwaitSystem(systemWithin)
		b.serve(e)
	})
	b.background.Go(b.backUp)
	b.background.Go(func() { b.service.FeedWatchdog(life, b.turns) })
	b.service.Notify(systemd.Ready)
	if b.cfg.Ready != nil {
		b.cfg.Ready()
	}
}

// turns returns nil once the loop has answered.
func (b *broker) turns(ctx context.Context) error {
	return b.loop.Query(ctx, func(loop.State, engine.Instant) {})
}

// end informs hosts whether there will be another broker, and releases everything.
func (b *broker) end(die func(), stopped bool) {
	b.service.Notify(systemd.Stopping)
	if stopped {
		b.hosts.DismissAll()
	}
	die()
	b.socket.Wait() // from here on, a removed socket is not made again
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		b.server.GracefulStop() // answers that are on their way arrive
	}()
	select {
	case <-gone:
	case <-time.After(goodbyeWithin):
		b.server.Stop()
		<-gone
	}
	b.launches.Wait()
	b.background.Wait()
	b.log.Info("the broker has ended", "handed over", !stopped)
}

// goodbyeWithin is how long calls may take to end before they are cut off.
const goodbyeWithin = time.Second

// seed returns the seed of new ids, which must differ from the last broker's.
func seed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.NativeEndian.Uint64(b[:])
}

// backUp makes the daily copies of the store.
func (b *broker) backUp() {
	life := b.loop.Life()
	for {
		if _, err := b.store.Backup(life, time.Now()); err != nil && life.Err() == nil {
			b.log.Error("the daily copy of the store failed", "err", err)
		}
		select {
		case <-time.After(24 * time.Hour):
		case <-life.Done():
			return
		}
	}
}
