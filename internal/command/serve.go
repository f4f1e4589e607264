//go:build linux

package command

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// Serve serves one run. It returns when the outcome is recorded, when no
// activation arrived in time, or when ctx ends. In the last case it first stops
// the command.
func Serve(ctx context.Context) error {
	var token task.LaunchToken
	if err := token.UnmarshalText([]byte(os.Getenv(task.LaunchEnv))); err != nil || token.IsZero() {
		return &task.Error{Op: "serve", Subject: "command tasks", Err: task.ErrInvalid, Detail: "only the broker may start this", Hint: "bgtask add --help"}
	}
	broker := &client.Client{Start: client.NoStart}
	defer func() { _ = broker.Close() }()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	return serve(ctx, broker, token)
}

func serve(ctx context.Context, broker client.Broker, token task.LaunchToken) error {
	s := &server{ctx: ctx, host: &client.Host{Broker: broker, Token: token}, finished: make(chan struct{})}
	s.host.Handler = s
	s.host.SetObjects(task.Object{CLSID: task.CommandClass, SingleUse: true})
	leaving, left := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer left()
	work.Go(func() { s.leave(leaving) })
	return s.host.Run(ctx)
}

// server is the handler of one run.
type server struct {
	ctx      context.Context // ends when the process must exit
	host     *client.Host
	finished chan struct{} // closed when the outcome has been reported

	mu     sync.Mutex
	cancel context.CancelCauseFunc // cancels the run; nil before it
}

// Activate accepts the one run.
func (s *server) Activate(a task.Activation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cancel != nil:
		return &task.Error{Err: task.ErrBusy, Detail: "this process serves only one run, which it has accepted already"}
	case a.Spec.Command == nil:
		return &task.Error{Subject: a.Spec.Name, Err: task.ErrInvalid, Detail: "it is not a command task"}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	s.cancel = cancel
	s.host.SetObjects() // offer no class any more, nor to a later broker that adopts the run
	go func() {
		defer close(s.finished)
		defer context.AfterFunc(s.ctx, func() { cancel(task.ReasonTerminating) })()
		s.host.Finish(a.Instance, s.run(ctx, a))
	}()
	return nil
}

// run executes the command, with the listener of a SocketActivityTrigger. If the
// listener is not available, the run asks for a retry; no connection is lost,
// since they wait for the next attempt.
func (s *server) run(ctx context.Context, a task.Activation) task.Result {
	if _, ok := a.Spec.Trigger.(task.SocketActivityTrigger); !ok {
		return run(ctx, a, nil)
	}
	asking, stop := context.WithTimeoutCause(ctx, task.AdoptionWindow, task.ErrUnavailable)
	defer stop()
	listener, err := s.host.Listener(asking, a.Instance)
	switch {
	case ctx.Err() != nil:
		reason, _ := errors.AsType[task.CancellationReason](context.Cause(ctx))
		return task.Result{Outcome: task.Canceled, Reason: reason}
	case err != nil:
		return task.Result{Outcome: task.RetryAsked, Text: err.Error()}
	}
	return run(ctx, a, listener)
}

// Cancel cancels the run.
func (s *server) Cancel(_ task.GUID, reason task.CancellationReason) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancel(reason)
	}
}

// leave ends the process after its run, or when no run arrives.
func (s *server) leave(ctx context.Context) {
	idle := time.NewTimer(task.LingerTime)
	defer idle.Stop()
	select {
	case <-s.finished:
	case <-idle.C:
	case <-ctx.Done():
		return
	}
	for {
		if left, err := s.host.Leave(ctx); left || err != nil {
			return
		}
		select { // an activation is on its way, or the outcome is not recorded yet
		case <-s.finished:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return
		}
	}
}

// askAgain is the pause before the next request to leave.
const askAgain = 100 * time.Millisecond
