//go:build linux

package launches

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"syscall"

	"github.com/bgtask/bgtask/internal/broker/fault"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/task"
)

// Supervisor starts, finds and ends processes: a process.Supervisor.
type Supervisor interface {
	Start(ctx context.Context, server task.ClassServer, token task.LaunchToken, env []string, c process.Callbacks) (task.Process, error)
	Find(p task.Process, token task.LaunchToken, c process.Callbacks) (task.Process, error)
	OnExit(p task.Process, exited func(process.Exit)) (stop func(), err error)
	Signal(token task.LaunchToken, sig syscall.Signal) error
	SignalProcess(p task.Process, sig syscall.Signal) error
	Strays() ([]process.Stray, error)
	End(ctx context.Context, token task.LaunchToken) (left []int, err error)
}

// Config is what Launches needs. All fields have to be set.
type Config struct {
	Life       context.Context // ends when nothing more is to be started or signaled
	Supervisor Supervisor
	Urge       func(engine.Event)                  // queues an event for the engine
	Drained    func(context.Context, task.Process) // waits until the stream of a process was read to its end
	Environ    func(context.Context) []string      // the environment of a class server that is started now
	Log        *slog.Logger
}

// Launches are the processes that the engine has started or follows. The methods may be
// called from any goroutine.
type Launches struct {
	Config
	births *births

	work  sync.WaitGroup
	finds sync.WaitGroup // those of the last broker's processes
}

// New returns Launches with the launches of the last broker.
func New(c Config, last []engine.Launch) *Launches {
	return &Launches{Config: c, births: newBirths(c.Life, last)}
}

// PackageOf returns the package whose class server a launch is, or "".
func (l *Launches) PackageOf(token task.LaunchToken) string { return l.births.packageOf(token) }

// Leads reports whether a process is the root of a launch.
func (l *Launches) Leads(proc task.Process, token task.LaunchToken) bool {
	return l.births.leads(proc, token)
}

// Settled returns when the engine knows of a launch, so that what its process says comes
// after.
func (l *Launches) Settled(ctx context.Context, token task.LaunchToken) error {
	return l.births.settled(ctx, token)
}

// Start starts a class server. ServerStarted or StartFailed follows, then Exited, then
// TreeEnded.
func (l *Launches) Start(a engine.StartServer) {
	b := l.births.begin(a.Token)
	l.births.ofPackage(a.Token, a.Package)
	l.work.Go(func() {
		defer close(b.known)
		proc, err := l.Supervisor.Start(l.Life, a.Server, a.Token, l.Environ(l.Life), l.callbacks(a.Token, b))
		if err != nil {
			l.births.forget(a.Token)
			l.Log.Warn("cannot start a class server", "package", a.Package, "executable", a.Server.Executable, "launch", a.Token, "err", err)
			l.Urge(engine.StartFailed{Token: a.Token, Text: fault.Text(err)})
			return
		}
		b.process = proc
		l.births.claim(proc)
		l.Log.Info("class server started", "package", a.Package, "executable", a.Server.Executable, "launch", a.Token, "pid", proc.PID)
		l.Urge(engine.ServerStarted{Token: a.Token, Process: proc})
	})
}

// Find looks for a process of the last broker.
func (l *Launches) Find(a engine.FindProcess) {
	if a.Token.IsZero() {
		l.Follow(a.Process)
		return
	}
	b := l.births.begin(a.Token)
	l.finds.Add(1)
	l.work.Go(func() {
		defer l.finds.Done()
		defer close(b.known)
		proc, err := l.Supervisor.Find(a.Process, a.Token, l.callbacks(a.Token, b))
		if err != nil {
			l.births.forget(a.Token)
			l.notFound(a, err)
			return
		}
		b.process = proc
		l.births.claim(proc)
		l.Urge(engine.ServerStarted{Token: a.Token, Process: proc})
	})
}

// notFound reports a launch whose leader is gone, after ending what the leader left.
func (l *Launches) notFound(a engine.FindProcess, err error) {
	if !errors.Is(err, process.ErrGone) {
		l.Log.Error("cannot look for a process", "pid", a.Process.PID, "launch", a.Token, "err", err)
	}
	if a.Process.IsZero() {
		l.Urge(engine.StartFailed{Token: a.Token, Text: "the broker ended while it was starting the process", Lost: true})
		return
	}
	l.exited(a.Process, a.Token, process.Exit{})
	l.end(a.Token)
	l.Urge(engine.TreeEnded{Token: a.Token})
}

// Follow reports the end of a process that is not the root of a launch: an application
// that its user started, or a child of a launched server. Following a process twice
// reports its end once.
func (l *Launches) Follow(proc task.Process) {
	if !l.births.claim(proc) {
		return
	}
	_, err := l.Supervisor.OnExit(proc, func(e process.Exit) { l.exited(proc, task.LaunchToken{}, e) })
	if err == nil {
		return
	}
	if !errors.Is(err, process.ErrGone) {
		l.Log.Error("cannot follow a process", "pid", proc.PID, "err", err)
	}
	l.work.Go(func() { l.exited(proc, task.LaunchToken{}, process.Exit{}) })
}

// Signal signals a launch's tree, or one process.
func (l *Launches) Signal(a engine.Signal) {
	sig := syscall.SIGTERM
	if a.Kill {
		sig = syscall.SIGKILL
	}
	l.work.Go(func() {
		err := l.send(a, sig)
		if err != nil && !errors.Is(err, process.ErrGone) {
			l.Log.Error("cannot send a signal", "signal", sig.String(), "pid", a.Process.PID, "launch", a.Token, "err", err)
		}
	})
}

func (l *Launches) send(a engine.Signal, sig syscall.Signal) error {
	if a.Token.IsZero() {
		return l.Supervisor.SignalProcess(a.Process, sig)
	}
	if b := l.births.find(a.Token); b != nil {
		select {
		case <-b.known:
		case <-l.Life.Done():
		}
	}
	return l.Supervisor.Signal(a.Token, sig)
}

// EndStrays ends the processes that carry a token of this state directory but belong to
// no launch. It begins when all launches of the last broker were looked for.
func (l *Launches) EndStrays() {
	l.work.Go(func() {
		l.finds.Wait()
		strays, err := l.Supervisor.Strays()
		if err != nil {
			l.Log.Error("cannot look for stray processes", "err", err)
		}
		for _, s := range strays {
			l.Log.Warn("ending a process of a forgotten launch", "pid", s.Process.PID, "launch", s.Launch)
			l.end(s.Launch)
		}
	})
}

// end ends what carries a token, and returns when it has ended.
func (l *Launches) end(token task.LaunchToken) {
	for reported := false; ; reported = true {
		left, err := l.Supervisor.End(l.Life, token)
		if err != nil || len(left) == 0 {
			return
		}
		if !reported {
			l.treeLeft(token, left)
		}
	}
}

func (l *Launches) treeLeft(token task.LaunchToken, pids []int) {
	l.Log.Error("processes of a launch do not end, not even by SIGKILL", "launch", token, "pids", pids)
	l.Urge(engine.TreeEnded{Token: token, Left: true})
}

// callbacks report how a launch ends: its start first, its exit after the last words of
// its stream, the end of its tree last.
func (l *Launches) callbacks(token task.LaunchToken, b *birth) process.Callbacks {
	return process.Callbacks{
		Exited: func(e process.Exit) {
			<-b.known
			l.exited(b.process, token, e)
		},
		Ended: func(e process.Ended) {
			if len(e.Left) > 0 {
				l.treeLeft(token, e.Left)
				return
			}
			l.births.forget(token)
			l.Urge(engine.TreeEnded{Token: token})
		},
	}
}

func (l *Launches) exited(proc task.Process, token task.LaunchToken, e process.Exit) {
	l.Drained(l.Life, proc)
	l.births.disclaim(proc)
	l.Log.Info("a process ended", "pid", proc.PID, "launch", token, "exit", e.String())
	l.Urge(engine.Exited{Process: proc, Token: token, Exit: engine.Exit{Known: e.Known, Status: e.String(), Stderr: e.Stderr}})
}

// Wait returns when nothing is under way. Life has to end first.
func (l *Launches) Wait() { l.work.Wait() }
