//go:build linux

package broker

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/renameio/v2"
	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/broker/clock"
	"github.com/bgtask/bgtask/internal/broker/systemd"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/internal/source"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Run is a broker: it serves its user until ctx ends, then hands over: it starts
// nothing more, commits, and leaves all runs living for the next broker. It also
// ends, with nil, when it was told to stop, and with an error when it cannot go
// on. It leaves nothing behind but what it launched.
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
		return startError(cfg.StateDir, fmt.Errorf("its state directory cannot be made: %w", err), "use another one: --state")
	}
	st, err := store.Open(ctx, cfg.StateDir, store.Options{Setting: "--state"})
	if err != nil {
		return err
	}
	b := newBroker(cfg, settings)
	b.store = st
	return errors.Join(b.run(ctx, e), st.Close())
}

func startError(subject string, err error, hint string) error {
	return &task.Error{Op: "start", Subject: subject, Err: fmt.Errorf("%w: %w", task.ErrUnavailable, err), Detail: err.Error(), Hint: hint}
}

// run puts the parts together and takes them apart again.
func (b *broker) run(ctx context.Context, e *endpoint) error {
	machine, err := b.newMachine()
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
	saved.Zones = b.zones(saved)
	if err := e.bind(); err != nil {
		return err
	}

	life, die := context.WithCancel(context.Background())
	defer die()
	turning, stop := context.WithCancelCause(context.Background())
	b.fail = stop
	defer stop(nil)
	b.use(life, machine, saved)
	var restored engine.Output
	b.engine, restored = engine.Restore(machineClock.Now(), engine.Config{Policy: b.settings.policy(), Seed: seed(), Commands: b.cfg.Commands, Sources: starting(b.sources)}, saved)
	collect()
	l := &loop{engine: b.engine, store: b.store, clock: machineClock, alarm: alarm, inbox: b.inbox, shell: b, log: b.log}

	server := newServer(b, os.Getuid())
	b.inbox.push(item{query: func(engine.Instant) { b.begin(server, e) }}) // when what was owed is done
	b.background.Go(func() { machine.Run(life) })
	b.background.Go(func() { b.awaitSignal(ctx) })
	err = l.run(turning, restored)
	b.end(server, die, err == nil && turning.Err() == nil)
	if cause := context.Cause(turning); err == nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

// collectLater puts garbage collection off while the state is loaded, until the
// function that it returns is called: nearly all that is made then stays.
func collectLater() (collect func()) {
	percent := debug.SetGCPercent(400)
	return sync.OnceFunc(func() { debug.SetGCPercent(percent) })
}

// awaitSignal hands over when ctx ends, unless everything else ends too.
func (b *broker) awaitSignal(ctx context.Context) {
	select {
	case <-b.life.Done():
		return
	case <-ctx.Done():
	}
	if reason, ending := systemd.Ending(b.life); ending {
		b.log.Info("the session or the machine is ending; canceling all runs", "reason", reason.String())
		b.inbox.urge(engine.StopAll{Request: newRequestID(), Reason: reason, Within: b.stopWithin()})
		return
	}
	b.fail(nil)
}

// use takes what is there when the engine is restored.
func (b *broker) use(life context.Context, machine *process.Supervisor, saved engine.State) {
	b.life, b.inspector, b.recorder = life, machine, machine
	b.processes = newProcesses(life, b, machine, saved.Launches)
	b.watches.serving(saved.Occurrences)
	b.sources = b.chains()
	b.externals = newExternals(namesOf(b.sources))
	b.log.Info("the broker starts", "version", b.cfg.Version, "pid", os.Getpid(), "socket", b.cfg.Socket, "state", b.cfg.StateDir,
		"tasks", len(saved.Registrations), "runs", len(saved.Runs))
}

// begin serves clients and listens to the machine. It is called on the loop, after
// all that the last broker left to do was done.
func (b *broker) begin(server *grpc.Server, e *endpoint) {
	b.background.Go(debug.FreeOSMemory) // what the load took and nobody needs any more
	b.processes.endStrays()
	b.watches.begin()
	b.background.Go(func() { source.Run(b.life, b.sources, sink{b.inbox}) })
	b.background.Go(b.sweeper.run)
	b.background.Go(b.system.run)
	b.socket.Go(func() {
		b.system.scanned(systemWithin)
		b.serve(server, e)
	})
	b.background.Go(b.backUp)
	b.background.Go(func() { b.service.FeedWatchdog(b.life, b.turns) })
	b.service.Notify(systemd.Ready)
	if b.cfg.Ready != nil {
		b.cfg.Ready()
	}
}

// end tells hosts whether there will be another broker, and lets go of everything.
func (b *broker) end(server *grpc.Server, die func(), stopped bool) {
	b.service.Notify(systemd.Stopping)
	if stopped {
		b.dismissHosts()
	}
	die()
	b.socket.Wait() // that it goes now is no reason to make it again
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		server.GracefulStop() // answers that are on their way arrive
	}()
	select {
	case <-gone:
	case <-time.After(goodbyeWithin):
		server.Stop()
		<-gone
	}
	b.processes.wait()
	b.background.Wait()
	b.log.Info("the broker ended", "handed over", !stopped)
}

// dismissHosts tells hosts not to start another broker.
func (b *broker) dismissHosts() {
	all := b.hosts.all()
	for _, a := range all {
		a.send(wire.Drop{Text: "the broker was told to stop", Stopping: true})
	}
	patience := time.After(goodbyeWithin)
	for _, a := range all {
		select {
		case <-a.ended:
		case <-patience:
			return
		}
	}
}

func (b *broker) newMachine() (*process.Supervisor, error) {
	id, err := stateID(filepath.Join(b.cfg.StateDir, "id"))
	if err != nil {
		return nil, startError(b.cfg.StateDir, err, "")
	}
	return process.New(process.Options{StateID: id, OutputDir: filepath.Join(b.cfg.StateDir, "output"), Logger: b.log})
}

// stateID names a state directory for ever: what was launched from it carries it.
func stateID(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err == nil && len(data) > 0 {
		return strings.TrimSpace(string(data)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	id := rand.Text()
	return id, renameio.WriteFile(path, []byte(id+"\n"), 0o600)
}

// seed is that of ids, which must not be the last broker's.
func seed() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.NativeEndian.Uint64(b[:])
}

// zones loads those that stored calendars name. One that is gone is told; its
// tasks wait for it.
func (b *broker) zones(saved engine.State) map[string]*time.Location {
	zones := make(map[string]*time.Location)
	for _, r := range saved.Registrations {
		name := zoneName(r.Spec.Trigger)
		if name == "" || zones[name] != nil {
			continue
		}
		zone, err := zoneOf(r.Spec)
		if err != nil {
			b.log.Error("a task's time zone is not on this machine any more", "task", r.Package+"/"+r.Spec.Name, "zone", name)
			continue
		}
		zones[name] = zone
	}
	return zones
}

func (b *broker) chains() []source.Chain {
	chains := b.cfg.Sources
	if chains == nil {
		chains = source.Default(source.Options{StateDir: b.cfg.StateDir, Probe: b.settings.Probe, Shutdown: b.stopForShutdown})
	}
	return slices.Concat(chains, b.watches.chains())
}

// starting are the sources before they have spoken.
func starting(chains []source.Chain) []task.SourceState {
	var all []task.SourceState
	for _, c := range chains {
		for _, e := range c {
			all = append(all, task.SourceState{Name: e.Name, Facts: e.Facts, Triggers: e.Triggers})
		}
	}
	return all
}

func namesOf(chains []source.Chain) []string {
	var names []string
	for _, c := range chains {
		for _, e := range c {
			names = append(names, e.Name)
		}
	}
	return names
}

// backUp makes the daily copies of the store.
func (b *broker) backUp() {
	for {
		if _, err := b.store.Backup(b.life, time.Now()); err != nil && b.life.Err() == nil {
			b.log.Error("the daily copy of the store failed", "err", err)
		}
		select {
		case <-time.After(24 * time.Hour):
		case <-b.life.Done():
			return
		}
	}
}

// turns returns nil once the loop has answered.
func (b *broker) turns(ctx context.Context) error { return b.query(ctx, func(engine.Instant) {}) }

// stopForShutdown cancels all runs, in order, when the machine is about to shut down.
// logind delays the shutdown until the broker has ended.
func (b *broker) stopForShutdown(within time.Duration) {
	b.log.Info("the machine is shutting down; canceling all runs", "within", within)
	b.inbox.urge(engine.StopAll{Request: newRequestID(), Reason: task.ReasonTerminating, Within: within})
}
