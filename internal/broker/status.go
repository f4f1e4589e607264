//go:build linux

package broker

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/bgtask/bgtask/internal/broker/systemd"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// GetStatus tells of the broker itself.
func (s *service) GetStatus(ctx context.Context, _ *pb.GetStatusRequest) (*pb.GetStatusResponse, error) {
	b := s.broker
	if _, err := b.who(ctx); err != nil {
		return nil, err
	}
	status := task.Status{
		Version: b.cfg.Version, PID: os.Getpid(), Started: b.started, StartedBy: b.cfg.StartedBy, Socket: b.cfg.Socket, StateDir: b.cfg.StateDir,
		StoreSize: storeSize(b.cfg.StateDir), Hosts: len(b.hosts.all()), Policy: b.settings.policy(), Checks: slices.Concat(systemd.Checks(ctx, b.cfg.StartedBy), b.watches.checks(ctx), b.system.checks()),
	}
	err := b.query(ctx, func(now engine.Instant) {
		for _, t := range b.engine.Tasks(now, engine.Filter{All: true}) {
			status.Tasks++
			if t.State.Run != nil {
				status.LiveRuns++
			}
		}
	})
	return &pb.GetStatusResponse{Status: wire.StatusTo(status)}, err
}

func storeSize(dir string) (size int64) {
	for _, name := range []string{"store.db", "store.db-wal"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			size += info.Size()
		}
	}
	return size
}
