//go:build linux

package rpc

import (
	"context"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/broker/packages"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// caller is the sender of one call: its connection, and which package it acts for.
type caller struct {
	identity
	packages.Owner
	user bool // the user's command line
}

// caller returns the sender of a call. The identity is established once for each
// connection.
func (s *service) caller(ctx context.Context) (caller, error) {
	peer, _ := wire.PeerFrom(ctx)
	claim, err := wire.CallerFrom(ctx)
	if err != nil {
		return caller{}, err
	}
	conn := connectionOf(ctx)
	conn.once.Do(func() { conn.peer = identify(s.Supervisor, peer) })
	c := caller{identity: conn.peer, user: claim.User}
	if c.exe == "" {
		c.exe = claim.Executable
	}
	if c.user {
		c.Owner, err = userOf(c.program())
	} else {
		c.Owner, err = s.Packages.OwnerOf(ctx, c.program(), claim.Package, s.Launches.PackageOf(c.token))
	}
	if err != nil {
		return caller{}, err
	}
	return c, nil
}

// userOf returns the package for which the user's command line acts.
func userOf(p packages.Program) (packages.Owner, error) {
	if p.Sandbox != "" {
		return packages.Owner{}, packages.NotItsApplication(p)
	}
	return packages.Owner{Family: task.CommandPackage, Verified: true}, nil
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
