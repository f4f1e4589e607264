//go:build linux

package rpc

import (
	"context"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
)

// GetStatus returns the status of the broker itself.
func (s *service) GetStatus(ctx context.Context, _ *pb.GetStatusRequest) (*pb.GetStatusResponse, error) {
	if _, err := s.caller(ctx); err != nil {
		return nil, err
	}
	status := s.About(ctx)
	status.Hosts = s.Hosts.Count()
	err := s.Loop.Query(ctx, func(state loop.State, now engine.Instant) {
		for _, t := range state.Tasks(now, engine.Filter{All: true}) {
			status.Tasks++
			if t.State.Run != nil {
				status.LiveRuns++
			}
		}
	})
	return &pb.GetStatusResponse{Status: wire.StatusTo(status)}, err
}
