//go:build linux

package rpc

import (
	"context"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
)

// RequestAccess returns whether the caller's tasks may run.
func (s *service) RequestAccess(ctx context.Context, m *pb.RequestAccessRequest) (*pb.RequestAccessResponse, error) {
	id, err := wire.RequestIDFrom(m.GetRequestId())
	if err != nil {
		return nil, err
	}
	c, err := s.knownCaller(ctx)
	if err != nil {
		return nil, err
	}
	a, err := s.Loop.Ask(ctx, engine.RequestAccess{Request: loop.RequestID(id), Caller: engine.Caller{Package: c.Family}})
	return &pb.RequestAccessResponse{Access: wire.AccessTo(a.Access)}, err
}

// GetLocalFolder returns the folder of the caller's data.
func (s *service) GetLocalFolder(ctx context.Context, _ *pb.GetLocalFolderRequest) (*pb.GetLocalFolderResponse, error) {
	c, err := s.knownCaller(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := s.Packages.MakeLocalFolder(c.Family)
	return &pb.GetLocalFolderResponse{Path: folder, Package: c.Family}, err
}

// knownCaller is caller, and makes the engine know an implied package.
func (s *service) knownCaller(ctx context.Context) (caller, error) {
	c, err := s.caller(ctx)
	if err == nil {
		err = s.Packages.Imply(ctx, c.program(), c.Owner)
	}
	return c, err
}
