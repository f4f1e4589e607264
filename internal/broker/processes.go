//go:build linux

package broker

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"syscall"

	"github.com/bgtask/bgtask/internal/broker/systemd"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/task"
)

// launcher starts, finds and ends processes: a process.Supervisor.
type launcher interface {
	Start(ctx context.Context, server task.ClassServer, token task.LaunchToken, env []string, c process.Callbacks) (task.Process, error)
	Find(p task.Process, token task.LaunchToken, c process.Callbacks) (task.Process, error)
	OnExit(p task.Process, exited func(process.Exit)) (stop func(), err error)
	Signal(token task.LaunchToken, sig syscall.Signal) error
	SignalProcess(p task.Process, sig syscall.Signal) error
	Strays() ([]process.Stray, error)
	End(ctx context.Context, token task.LaunchToken) (left []int, err error)
}

// processes turns what the engine wants of processes into the events that
// follow. Each wish is a goroutine of its own, so that the loop waits for no
// fork and no walk through /proc.
type processes struct {
	ctx      context.Context
	launcher launcher
	hosts    *hosts
	inbox    *inbox
	log      *slog.Logger
	environ  func(context.Context) []string

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
		ctx: ctx, launcher: machine, hosts: b.hosts, inbox: b.inbox, log: b.log, environ: func(ctx context.Context) []string { return systemd.Environment(ctx, b.cfg.Socket, b.log) },
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
		proc, err := p.launcher.Start(p.ctx, a.Server, a.Token, p.environ(p.ctx), p.callbacks(a.Token, b))
		if err != nil {
			p.forget(a.Token)
			p.log.Warn("a class server cannot be started", "package", a.Package, "executable", a.Server.Executable, "launch", a.Token, "err", err)
			p.inbox.urge(engine.StartFailed{Token: a.Token, Text: sentence(err)})
			return
		}
		b.process = proc
		p.claim(proc)
		p.log.Info("a class server was started", "package", a.Package, "executable", a.Server.Executable, "launch", a.Token, "pid", proc.PID)
		p.inbox.urge(engine.ServerStarted{Token: a.Token, Process: proc})
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
		proc, err := p.launcher.Find(a.Process, a.Token, p.callbacks(a.Token, b))
		if err != nil {
			p.forget(a.Token)
			p.notFound(a, err)
			return
		}
		b.process = proc
		p.claim(proc)
		p.inbox.urge(engine.ServerStarted{Token: a.Token, Process: proc})
	})
}

// notFound tells the engine of a launch whose leader is gone, and ends what the
// leader left.
func (p *processes) notFound(a engine.FindProcess, err error) {
	if !errors.Is(err, process.ErrGone) {
		p.log.Error("a process cannot be looked for", "pid", a.Process.PID, "launch", a.Token, "err", err)
	}
	if a.Process.IsZero() {
		p.inbox.urge(engine.StartFailed{Token: a.Token, Text: "the broker ended while it started the process", Lost: true})
		return
	}
	p.exited(a.Process, a.Token, process.Exit{})
	p.end(a.Token)
	p.inbox.urge(engine.TreeEnded{Token: a.Token})
}

// watch tells the engine of the end of a process that is not the root of a
// launch: an application that its user started, a child of a launched server.
func (p *processes) watch(proc task.Process) {
	if !p.claim(proc) {
		return
	}
	_, err := p.launcher.OnExit(proc, func(e process.Exit) { p.exited(proc, task.LaunchToken{}, e) })
	if err == nil {
		return
	}
	if !errors.Is(err, process.ErrGone) {
		p.log.Error("a process cannot be watched", "pid", proc.PID, "err", err)
	}
	p.work.Go(func() { p.exited(proc, task.LaunchToken{}, process.Exit{}) })
}

// signal ends a launch's tree, or one process.
func (p *processes) signal(a engine.Signal) {
	sig := syscall.SIGTERM
	if a.Kill {
		sig = syscall.SIGKILL
	}
	p.work.Go(func() {
		err := p.send(a, sig)
		if err != nil && !errors.Is(err, process.ErrGone) {
			p.log.Error("a signal cannot be sent", "signal", sig.String(), "pid", a.Process.PID, "launch", a.Token, "err", err)
		}
	})
}

func (p *processes) send(a engine.Signal, sig syscall.Signal) error {
	if a.Token.IsZero() {
		return p.launcher.SignalProcess(a.Process, sig)
	}
	if b := p.born(a.Token); b != nil {
		select {
		case <-b.told:
		case <-p.ctx.Done():
		}
	}
	return p.launcher.Signal(a.Token, sig)
}

// endStrays ends what carries a token of this state directory that belongs to no
// launch, once all launches of the last broker were looked for.
func (p *processes) endStrays() {
	p.work.Go(func() {
		p.finds.Wait()
		strays, err := p.launcher.Strays()
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
		left, err := p.launcher.End(p.ctx, token)
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

// callbacks tells the engine how a launch ends: its start first, its exit after the
// last words of its stream, the end of its tree last.
func (p *processes) callbacks(token task.LaunchToken, b *birth) process.Callbacks {
	return process.Callbacks{
		Exited: func(e process.Exit) {
			<-b.told
			p.exited(b.process, token, e)
		},
		Ended: func(e process.Ended) {
			if len(e.Left) > 0 {
				p.treeLeft(token, e.Left)
				return
			}
			p.forget(token)
			p.inbox.urge(engine.TreeEnded{Token: token})
		},
	}
}

func (p *processes) exited(proc task.Process, token task.LaunchToken, e process.Exit) {
	p.hosts.drained(p.ctx, proc)
	p.disown(proc)
	p.log.Info("a process ended", "pid", proc.PID, "launch", token, "exit", e.String())
	p.inbox.urge(engine.Exited{Process: proc, Token: token, Exit: engine.Exit{Known: e.Known, Status: e.String(), Stderr: e.Stderr}})
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
func (p *processes) leads(proc task.Process, token task.LaunchToken) bool {
	b := p.born(token)
	if b == nil {
		return false
	}
	select {
	case <-b.told:
		return b.process == proc
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
func (p *processes) claim(proc task.Process) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watched[proc] {
		return false
	}
	p.watched[proc] = true
	return true
}

func (p *processes) disown(proc task.Process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.watched, proc)
}
