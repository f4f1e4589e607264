//go:build linux

package broker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"syscall"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/host"
	"github.com/bgtask/bgtask/task"
)

// launcher starts, finds and ends processes: a host.Host.
type launcher interface {
	Start(ctx context.Context, server task.ClassServer, token task.LaunchToken, env []string, w host.Watcher) (task.Process, error)
	Find(p task.Process, token task.LaunchToken, w host.Watcher) (task.Process, error)
	Watch(p task.Process, exited func(host.Exit)) (stop func(), err error)
	Signal(token task.LaunchToken, sig syscall.Signal) error
	SignalProcess(p task.Process, sig syscall.Signal) error
	Strays() ([]host.Stray, error)
	End(ctx context.Context, token task.LaunchToken) (left []int, err error)
}

// processes turns what the engine wants of processes into the events that
// follow. Each wish is a goroutine of its own, so that the loop waits for no
// fork and no walk through /proc.
type processes struct {
	ctx     context.Context
	host    launcher
	hosts   *hosts
	inbox   *inbox
	log     *slog.Logger
	environ func(context.Context) []string

	work  sync.WaitGroup
	finds sync.WaitGroup // those of the last broker's processes

	mu       sync.Mutex
	births   map[task.LaunchToken]*birth
	packages map[task.LaunchToken]string // whose launch it is
	watched  map[task.Process]bool       // their end will be told
}

// birth is the start of a launch, until the engine is told of it.
type birth struct {
	process task.Process
	told    chan struct{}
}

// newProcesses takes the launches of the last broker.
func newProcesses(ctx context.Context, b *broker, machine launcher, launches []engine.Launch) *processes {
	p := &processes{
		ctx: ctx, host: machine, hosts: b.hosts, inbox: b.inbox, log: b.log, environ: b.environment,
		births:   make(map[task.LaunchToken]*birth),
		packages: make(map[task.LaunchToken]string),
		watched:  make(map[task.Process]bool),
	}
	for _, l := range launches {
		p.packages[l.Token] = l.Package
	}
	return p
}

// start starts a class server: ServerStarted or StartFailed follows, then Exited,
// then TreeEnded.
func (p *processes) start(a engine.StartServer) {
	b := p.begin(a.Token)
	p.ofPackage(a.Token, a.Package)
	p.work.Go(func() {
		defer close(b.told)
		process, err := p.host.Start(p.ctx, a.Server, a.Token, p.environ(p.ctx), p.watcher(a.Token, b))
		if err != nil {
			p.forget(a.Token)
			p.log.Warn("a class server cannot be started", "package", a.Package, "executable", a.Server.Executable, "launch", a.Token, "err", err)
			p.inbox.urge(engine.StartFailed{Token: a.Token, Text: sentence(err)})
			return
		}
		b.process = process
		p.claim(process)
		p.log.Info("a class server was started", "package", a.Package, "executable", a.Server.Executable, "launch", a.Token, "pid", process.PID)
		p.inbox.urge(engine.ServerStarted{Token: a.Token, Process: process})
	})
}

// find looks after a process of the last broker.
func (p *processes) find(a engine.FindProcess) {
	if a.Token.IsZero() {
		p.watch(a.Process)
		return
	}
	b := p.begin(a.Token)
	p.finds.Add(1)
	p.work.Go(func() {
		defer p.finds.Done()
		defer close(b.told)
		process, err := p.host.Find(a.Process, a.Token, p.watcher(a.Token, b))
		if err != nil {
			p.forget(a.Token)
			p.notFound(a, err)
			return
		}
		b.process = process
		p.claim(process)
		p.inbox.urge(engine.ServerStarted{Token: a.Token, Process: process})
	})
}

// notFound tells the engine of a launch whose leader is gone, and ends what the
// leader left.
func (p *processes) notFound(a engine.FindProcess, err error) {
	if !errors.Is(err, host.ErrGone) {
		p.log.Error("a process cannot be looked for", "pid", a.Process.PID, "launch", a.Token, "err", err)
	}
	if a.Process.IsZero() {
		p.inbox.urge(engine.StartFailed{Token: a.Token, Text: "the broker ended while it started the process", Lost: true})
		return
	}
	p.exited(a.Process, a.Token, host.Exit{})
	p.end(a.Token)
	p.inbox.urge(engine.TreeEnded{Token: a.Token})
}

// watch tells the engine of the end of a process that is not the root of a
// launch: an application that its user started, a child of a launched server.
func (p *processes) watch(process task.Process) {
	if !p.claim(process) {
		return
	}
	_, err := p.host.Watch(process, func(e host.Exit) { p.exited(process, task.LaunchToken{}, e) })
	if err == nil {
		return
	}
	if !errors.Is(err, host.ErrGone) {
		p.log.Error("a process cannot be watched", "pid", process.PID, "err", err)
	}
	p.work.Go(func() { p.exited(process, task.LaunchToken{}, host.Exit{}) })
}

// signal ends a launch's tree, or one process.
func (p *processes) signal(a engine.Signal) {
	sig := syscall.SIGTERM
	if a.Kill {
		sig = syscall.SIGKILL
	}
	p.work.Go(func() {
		err := p.send(a, sig)
		if err != nil && !errors.Is(err, host.ErrGone) {
			p.log.Error("a signal cannot be sent", "signal", sig.String(), "pid", a.Process.PID, "launch", a.Token, "err", err)
		}
	})
}

func (p *processes) send(a engine.Signal, sig syscall.Signal) error {
	if a.Token.IsZero() {
		return p.host.SignalProcess(a.Process, sig)
	}
	if b := p.born(a.Token); b != nil {
		select {
		case <-b.told:
		case <-p.ctx.Done():
		}
	}
	return p.host.Signal(a.Token, sig)
}

// endStrays ends what carries a token of this state directory that belongs to no
// launch, once all launches of the last broker were looked for.
func (p *processes) endStrays() {
	p.work.Go(func() {
		p.finds.Wait()
		strays, err := p.host.Strays()
		if err != nil {
			p.log.Error("strays cannot be looked for", "err", err)
		}
		for _, s := range strays {
			p.log.Warn("a process of a forgotten launch is ended", "pid", s.Process.PID, "launch", s.Launch)
			p.end(s.Launch)
		}
	})
}

// end ends what carries a token, and returns when that is so.
func (p *processes) end(token task.LaunchToken) {
	for told := false; ; told = true {
		left, err := p.host.End(p.ctx, token)
		if err != nil || len(left) == 0 {
			return
		}
		if !told {
			p.treeLeft(token, left)
		}
	}
}

func (p *processes) treeLeft(token task.LaunchToken, pids []int) {
	p.log.Error("processes of a launch do not end, even by SIGKILL", "launch", token, "pids", pids)
	p.inbox.urge(engine.TreeEnded{Token: token, Left: true})
}

// watcher tells the engine how a launch ends: its start first, its exit after the
// last words of its stream, the end of its tree last.
func (p *processes) watcher(token task.LaunchToken, b *birth) host.Watcher {
	return host.Watcher{
		Exited: func(e host.Exit) {
			<-b.told
			p.exited(b.process, token, e)
		},
		Ended: func(e host.Ended) {
			if len(e.Left) > 0 {
				p.treeLeft(token, e.Left)
				return
			}
			p.forget(token)
			p.inbox.urge(engine.TreeEnded{Token: token})
		},
	}
}

func (p *processes) exited(process task.Process, token task.LaunchToken, e host.Exit) {
	p.hosts.drained(p.ctx, process)
	p.disown(process)
	p.log.Info("a process ended", "pid", process.PID, "launch", token, "exit", e.String())
	p.inbox.urge(engine.Exited{Process: process, Token: token, Exit: engine.Exit{Known: e.Known, Status: e.String(), Stderr: e.Stderr}})
}

// wait returns when nothing is under way any more; the context has to end first.
func (p *processes) wait() { p.work.Wait() }

// begin notes a launch whose start the engine is not told of yet.
func (p *processes) begin(token task.LaunchToken) *birth {
	b := &birth{told: make(chan struct{})}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.births[token] = b
	return b
}

func (p *processes) born(token task.LaunchToken) *birth {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.births[token]
}

func (p *processes) forget(token task.LaunchToken) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.births, token)
	delete(p.packages, token)
}

func (p *processes) ofPackage(token task.LaunchToken, family string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.packages[token] = family
}

// packageOf is the package whose class server a launch is, or "".
func (p *processes) packageOf(token task.LaunchToken) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.packages[token]
}

// leads says whether process is the root of a launch.
func (p *processes) leads(process task.Process, token task.LaunchToken) bool {
	b := p.born(token)
	if b == nil {
		return false
	}
	select {
	case <-b.told:
		return b.process == process
	case <-p.ctx.Done():
		return false
	}
}

// settled returns when the engine was told of a launch, so that what its process
// says comes after.
func (p *processes) settled(ctx context.Context, token task.LaunchToken) error {
	b := p.born(token)
	if b == nil {
		return nil
	}
	select {
	case <-b.told:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// claim says that the end of a process will be told; false: it is claimed already.
func (p *processes) claim(process task.Process) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watched[process] {
		return false
	}
	p.watched[process] = true
	return true
}

func (p *processes) disown(process task.Process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.watched, process)
}
