//go:build linux

package rpc

import (
	"context"
	"time"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// The requests in this file are the user's to decide; an application may not send them.

// SetAccess sets whether a package's tasks may run.
func (s *service) SetAccess(ctx context.Context, m *pb.SetAccessRequest) (*pb.SetAccessResponse, error) {
	_, err := decide(ctx, s, m, wire.SetAccessRequestFrom, func(r wire.SetAccessRequest) engine.Event {
		return engine.SetAccess{Request: loop.RequestID(r.Request), Package: r.Package, Access: r.Access}
	})
	s.Packages.Changed()
	return &pb.SetAccessResponse{}, err
}

// InstallPackage installs the package in a folder or file, or updates it.
func (s *service) InstallPackage(ctx context.Context, m *pb.InstallPackageRequest) (*pb.InstallPackageResponse, error) {
	r, c, err := request(ctx, s, m, wire.InstallRequestFrom)
	if err == nil {
		err = c.mustBeUser()
	}
	if err != nil {
		return nil, err
	}
	done, err := s.Packages.Install(ctx, r)
	if err != nil {
		return nil, err
	}
	return wire.InstalledTo(done), nil
}

// named is a decoded request that names a package or a fact.
type named struct {
	request task.GUID
	name    string
}

func uninstallFrom(m *pb.UninstallPackageRequest) (r named, err error) {
	if r.request, err = wire.RequestIDFrom(m.GetRequestId()); err != nil {
		return r, err
	}
	r.name, err = wire.TextFrom("package", m.GetPackage(), task.MaxName)
	return r, err
}

// UninstallPackage removes a package.
func (s *service) UninstallPackage(ctx context.Context, m *pb.UninstallPackageRequest) (*pb.UninstallPackageResponse, error) {
	_, err := decide(ctx, s, m, uninstallFrom, func(r named) engine.Event {
		return engine.Uninstall{Request: loop.RequestID(r.request), Package: r.name, KeepData: m.GetKeepData()}
	})
	s.Packages.Changed()
	return &pb.UninstallPackageResponse{}, err
}

// OverrideFact sets a fact, for testing.
func (s *service) OverrideFact(ctx context.Context, m *pb.OverrideFactRequest) (*pb.OverrideFactResponse, error) {
	_, err := decide(ctx, s, m, wire.OverrideFactRequestFrom, func(r wire.OverrideFactRequest) engine.Event {
		return engine.OverrideFact{Request: loop.RequestID(r.Request), Name: r.Name, Value: r.Value, For: r.For}
	})
	return &pb.OverrideFactResponse{}, err
}

func clearFrom(m *pb.ClearOverrideRequest) (r named, err error) {
	if r.request, err = wire.RequestIDFrom(m.GetRequestId()); err != nil || m.GetName() == "" {
		return r, err
	}
	r.name, err = wire.TextFrom("name", m.GetName(), task.MaxName)
	return r, err
}

// ClearOverride ends the override of one fact, or of all facts.
func (s *service) ClearOverride(ctx context.Context, m *pb.ClearOverrideRequest) (*pb.ClearOverrideResponse, error) {
	_, err := decide(ctx, s, m, clearFrom, func(r named) engine.Event {
		return engine.ClearOverride{Request: loop.RequestID(r.request), Name: r.name}
	})
	return &pb.ClearOverrideResponse{}, err
}

// stop is a decoded StopRequest.
type stop struct {
	request task.GUID
	within  time.Duration
}

func stopFrom(m *pb.StopRequest) (r stop, err error) {
	if r.request, err = wire.RequestIDFrom(m.GetRequestId()); err != nil {
		return r, err
	}
	r.within, err = wire.WithinFrom(m)
	return r, err
}

// Stop cancels all runs and ends the broker.
func (s *service) Stop(ctx context.Context, m *pb.StopRequest) (*pb.StopResponse, error) {
	_, err := decide(ctx, s, m, stopFrom, func(r stop) engine.Event {
		if r.within == 0 {
			r.within = s.StopWithin
		}
		return engine.StopAll{Request: loop.RequestID(r.request), Reason: task.ReasonTerminating, Within: r.within}
	})
	return &pb.StopResponse{}, err
}
