//go:build linux

package rpc

import (
	"context"

	"github.com/bgtask/bgtask/internal/broker/hosts"
	"github.com/bgtask/bgtask/internal/broker/systemd"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Attach serves one host: a process that registered class objects and takes activations.
func (s *service) Attach(stream hosts.Stream) error {
	c, err := s.hostCaller(stream.Context())
	if err != nil {
		return err
	}
	return s.Hosts.Serve(stream, func(ctx context.Context, h wire.Hello) (*hosts.Attachment, error) {
		return s.admit(ctx, c, h)
	})
}

// hostCaller is caller for a process that wants activations.
func (s *service) hostCaller(ctx context.Context) (caller, error) {
	c, err := s.caller(ctx)
	if err != nil {
		return c, err
	}
	denied := func(detail, hint string) (caller, error) {
		return c, &task.Error{Subject: c.exe, Err: task.ErrAccessDenied, Detail: detail, Hint: hint}
	}
	if c.process.IsZero() {
		return denied("the broker cannot see your process, so it sends it no activations", "run it in the broker's pid namespace")
	}
	switch launched := s.Launches.PackageOf(c.token); {
	case c.token.IsZero():
	case launched == "":
		return denied("this process belongs to a launch that the broker has given up", "")
	case launched == task.CommandPackage && !s.Launches.Leads(c.process, c.token):
		c.token = task.LaunchToken{} // a program that a command started
	default:
		c.user, c.Family, c.Implied, c.Verified = false, launched, false, true
	}
	if c.user {
		return denied("the command line cannot serve classes", "")
	}
	return c, nil
}

// admit makes the engine know a host. The welcome is first in its outbox, and the launch
// that it belongs to is known before it.
func (s *service) admit(ctx context.Context, c caller, h wire.Hello) (*hosts.Attachment, error) {
	if err := s.Packages.Imply(ctx, c.program(), c.Owner); err != nil {
		return nil, err
	}
	if err := s.Launches.Settled(ctx, c.token); err != nil {
		return nil, err
	}
	a, err := s.Hosts.Attach(ctx, c.process)
	if err != nil {
		return nil, err
	}
	if peer, ok := wire.PeerFrom(ctx); ok {
		peer.BeforeEnd(a.LastWords)
	}
	a.Send(wire.Welcome{Package: c.Family, Folder: s.Packages.LocalFolder(c.Family), Launched: !c.token.IsZero()})
	ev := engine.Attached{
		Host: c.process, Package: c.Family, Token: c.token, Active: systemd.InActiveSession(c.process.PID), Home: c.Home,
		Objects: h.Objects, Instances: h.Instances,
	}
	if err := s.Loop.Put(ctx, ev); err != nil {
		s.Hosts.Detach(a)
		return nil, err
	}
	s.Launches.Follow(c.process)
	s.Log.Info("host attached", "pid", c.process.PID, "package", c.Family, "verified", c.Verified, "launch", c.token, "classes", len(h.Objects))
	return a, nil
}
