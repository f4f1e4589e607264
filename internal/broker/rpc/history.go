//go:build linux

package rpc

import (
	"context"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// History reads stored events, newest first. It does not involve the loop.
func (s *service) History(m *pb.HistoryRequest, stream grpc.ServerStreamingServer[pb.HistoryResponse]) error {
	ctx := stream.Context()
	q, c, err := request(ctx, s, m, wire.HistoryQueryFrom)
	if err != nil {
		return err
	}
	if q.Package, err = c.scope(q.Package); err != nil {
		return err
	}
	return s.history(ctx, q, func(ev task.Event) error {
		return stream.Send(&pb.HistoryResponse{Event: wire.EventTo(ev)})
	})
}

const historyPage = 500

// history reads page by page, so that a slow reader holds no transaction open.
func (s *service) history(ctx context.Context, q wire.HistoryQuery, send func(task.Event) error) error {
	page := store.Query{TaskID: q.TaskID, Package: q.Package, Kinds: q.Kinds, Outcomes: q.Outcomes, Since: q.Since, Until: q.Until, Limit: historyPage}
	for sent := 0; ; {
		events, err := s.Store.History(ctx, page)
		if err != nil {
			return err
		}
		for _, ev := range events {
			if !q.RunID.IsZero() && (ev.Run == nil || ev.Run.ID != q.RunID) {
				continue
			}
			if err := send(ev); err != nil {
				return err
			}
			if sent++; sent == q.Limit {
				return nil
			}
		}
		if len(events) < historyPage {
			return nil
		}
		page.Before = events[len(events)-1].Seq
	}
}
