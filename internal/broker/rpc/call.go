//go:build linux

package rpc

import (
	"context"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// Most handlers are one of three kinds: a change in the caller's name (change), a
// decision that only the user may take (decide), or a list of what the engine has (list).
// Each says how its message is decoded and what is asked; the rest is here.

// request decodes a message and finds out who sent it.
func request[M, Q any](ctx context.Context, s *service, m M, decode func(M) (Q, error)) (q Q, c caller, err error) {
	if q, err = decode(m); err == nil {
		c, err = s.caller(ctx)
	}
	return q, c, err
}

// change asks the engine for a change in the caller's name.
func change[M, Q any](ctx context.Context, s *service, m M, decode func(M) (Q, error), event func(caller, Q) engine.Event) (engine.Answer, error) {
	q, c, err := request(ctx, s, m, decode)
	if err != nil {
		return engine.Answer{}, err
	}
	return s.Loop.Ask(ctx, event(c, q))
}

// decide asks the engine for a change that only the user may decide on.
func decide[M, Q any](ctx context.Context, s *service, m M, decode func(M) (Q, error), event func(Q) engine.Event) (engine.Answer, error) {
	q, c, err := request(ctx, s, m, decode)
	if err == nil {
		err = c.mustBeUser()
	}
	if err != nil {
		return engine.Answer{}, err
	}
	return s.Loop.Ask(ctx, event(q))
}

// list sends what read returns. Read is called on the loop.
func list[T, M any](ctx context.Context, s *service, send func(M) error, encode func(T) M, read func(loop.State, engine.Instant) []T) error {
	var all []T
	if err := s.Loop.Query(ctx, func(state loop.State, now engine.Instant) { all = read(state, now) }); err != nil {
		return err
	}
	return sendAll(all, send, encode)
}

func sendAll[T, M any](all []T, send func(M) error, encode func(T) M) error {
	for i := range all {
		if err := send(encode(all[i])); err != nil {
			return err
		}
	}
	return nil
}

// mustBeUser refuses an application.
func (c caller) mustBeUser() error {
	if c.user {
		return nil
	}
	return &task.Error{Subject: c.Family, Err: task.ErrAccessDenied, Detail: "only the user can do this, not an application", Hint: "use the command line: bgtask"}
}

// scope returns the package that a caller's query is about. "" means all packages, which
// only the user sees.
func (c caller) scope(asked string) (string, error) {
	if c.user || asked == c.Family {
		return asked, nil
	}
	if asked != "" {
		return "", &task.Error{Subject: asked, Err: task.ErrAccessDenied, Detail: "an application can only see its own tasks"}
	}
	return c.Family, nil
}

// sees reports whether a caller may see a package.
func (c caller) sees(family string) bool { return c.user || family == c.Family }

func (c caller) engine() engine.Caller { return engine.Caller{Package: c.Family, All: c.user} }

// find returns a task that the caller may see.
func (s *service) find(ctx context.Context, c caller, id task.GUID) (info task.Info, err error) {
	var ok bool
	if err := s.Loop.Query(ctx, func(state loop.State, now engine.Instant) { info, ok = state.Task(now, id) }); err != nil {
		return info, err
	}
	if !ok || !c.sees(info.Package) {
		return task.Info{}, notRegistered(id)
	}
	return info, nil
}

func notRegistered(id task.GUID) error {
	return &task.Error{Subject: id.String(), Err: task.ErrNotRegistered, Detail: "no such task is registered", Hint: "'bgtask list' shows all tasks"}
}
