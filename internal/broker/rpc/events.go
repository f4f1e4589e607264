//go:build linux

package rpc

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// Watch streams events as they happen, after a snapshot or after those that were missed.
func (s *service) Watch(m *pb.WatchRequest, stream grpc.ServerStreamingServer[pb.WatchResponse]) error {
	ctx := stream.Context()
	q, c, err := request(ctx, s, m, wire.WatchQueryFrom)
	if err != nil {
		return err
	}
	conn := connectionOf(ctx)
	defer conn.subscribers.Add(-1)
	if conn.subscribers.Add(1) > task.MaxWatchers {
		return &task.Error{Err: task.ErrLimit, Detail: fmt.Sprintf("a connection can have at most %d watchers", task.MaxWatchers)}
	}
	return s.subscribe(ctx, c, q, func(ev task.Event) error {
		return stream.Send(&pb.WatchResponse{Event: wire.EventTo(ev)})
	})
}

// subscribe joins the live stream at a sequence number, then reads what is stored up to
// that number, and then goes on with the stream: no gap and no repeat.
func (s *service) subscribe(ctx context.Context, c caller, q wire.WatchQuery, send func(task.Event) error) error {
	family, err := c.scope(q.Package)
	if err != nil {
		return err
	}
	wanted := wants{family: family, all: family == "", id: q.TaskID}
	if !q.TaskID.IsZero() {
		if info, err := s.find(ctx, c, q.TaskID); err == nil {
			wanted.facts = info.Spec.Facts()
		} else if q.Since == "" {
			return err
		}
	}
	var live *loop.Subscriber
	var joined uint64
	var tasks []task.Info
	err = s.Loop.Query(ctx, func(state loop.State, now engine.Instant) {
		live, joined = s.Hub.Subscribe(wanted.event), state.Seq()
		if q.Since == "" {
			tasks = state.Tasks(now, engine.Filter{Package: family, All: true})
		}
	})
	if err != nil {
		return err
	}
	defer s.Hub.Unsubscribe(live)
	if q.Since == "" {
		err = sendSnapshot(tasks, wanted, joined, send)
	} else {
		err = s.sendMissed(ctx, q.Since, joined, wanted, send)
	}
	if err != nil {
		return err
	}
	return s.sendLive(ctx, live, send)
}

func sendSnapshot(tasks []task.Info, wanted wants, seq uint64, send func(task.Event) error) error {
	for i := range tasks {
		t := &tasks[i]
		ev := task.Event{Seq: seq, Kind: task.EventSnapshot, Time: t.State.Now, TaskID: t.TaskID, Package: t.Package, Name: t.Spec.Name, State: &t.State, Info: t}
		if !wanted.event(ev) {
			continue
		}
		if err := send(ev); err != nil {
			return err
		}
	}
	return send(task.Event{Seq: seq, Kind: task.EventSynced})
}

func (s *service) sendMissed(ctx context.Context, since task.Cursor, upTo uint64, wanted wants, send func(task.Event) error) error {
	after, err := since.Seq()
	if err != nil {
		return err
	}
	for ev, err := range s.Store.Events(ctx, after, upTo) {
		if err != nil {
			return err
		}
		if !wanted.event(ev) {
			continue
		}
		if err := send(ev); err != nil {
			return err
		}
	}
	return nil
}

func (s *service) sendLive(ctx context.Context, live *loop.Subscriber, send func(task.Event) error) error {
	for {
		select {
		case ev := <-live.Events:
			if err := send(ev); err != nil {
				return err
			}
		case <-live.Lagged:
			return &task.Error{Err: task.ErrWatchLagged, Detail: fmt.Sprintf("more than %d events were waiting for it", task.MaxWatchBuffer),
				Hint: "watch again from the cursor of the last event"}
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.Loop.Life().Done():
			return loop.ErrOver
		}
	}
}

// wants selects the events for a subscriber.
type wants struct {
	family string
	all    bool // of every package
	id     task.GUID
	facts  []string // of one task: those that it depends on
}

func (w wants) event(ev task.Event) bool {
	switch {
	case ev.Kind == task.EventClock:
		return true
	case ev.Kind == task.EventFact:
		return w.id.IsZero() || ev.Fact != nil && slices.Contains(w.facts, ev.Fact.Name)
	case !w.all && ev.Package != w.family:
		return false
	}
	return w.id.IsZero() || ev.TaskID == w.id
}
