//go:build linux

package rpc

import (
	"context"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
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
