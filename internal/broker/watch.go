//go:build linux

package broker

import (
	"context"
	"fmt"
	"slices"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// Watch tells what happens: a snapshot or what was missed first, then what comes.
func (s *service) Watch(m *pb.WatchRequest, stream grpc.ServerStreamingServer[pb.WatchResponse]) error {
	ctx, b := stream.Context(), s.broker
	q, err := wire.WatchQueryFrom(m)
	if err != nil {
		return err
	}
	w, err := b.who(ctx)
	if err != nil {
		return err
	}
	conn := connectionOf(ctx)
	defer conn.watchers.Add(-1)
	if conn.watchers.Add(1) > task.MaxWatchers {
		return &task.Error{Err: task.ErrLimit, Detail: fmt.Sprintf("a connection has at most %d watchers", task.MaxWatchers)}
	}
	return b.watch(ctx, w, q, func(ev task.Event) error {
		return stream.Send(&pb.WatchResponse{Event: wire.EventTo(ev)})
	})
}

// watch joins the live stream at a sequence number first, reads what is stored up
// to it then, and goes on with the stream: no gap and no repeat.
func (b *broker) watch(ctx context.Context, w who, q wire.WatchQuery, send func(task.Event) error) error {
	family, err := w.scope(q.Package)
	if err != nil {
		return err
	}
	wanted := wants{family: family, all: family == "", id: q.TaskID}
	if !q.TaskID.IsZero() {
		if info, err := b.find(ctx, w, q.TaskID); err == nil {
			wanted.facts = info.Spec.Facts()
		} else if q.Since == "" {
			return err
		}
	}
	var live *watcher
	var joined uint64
	var tasks []task.Info
	err = b.query(ctx, func(now engine.Instant) {
		live, joined = b.hub.join(wanted.event), b.engine.Seq()
		if q.Since == "" {
			tasks = b.engine.Tasks(now, engine.Filter{Package: family, All: true})
		}
	})
	if err != nil {
		return err
	}
	defer b.hub.leave(live)
	if q.Since == "" {
		err = b.sendSnapshot(tasks, wanted, joined, send)
	} else {
		err = b.sendMissed(ctx, q.Since, joined, wanted, send)
	}
	if err != nil {
		return err
	}
	return b.follow(ctx, live, send)
}

func (b *broker) sendSnapshot(tasks []task.Info, wanted wants, seq uint64, send func(task.Event) error) error {
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

func (b *broker) sendMissed(ctx context.Context, since task.Cursor, upTo uint64, wanted wants, send func(task.Event) error) error {
	after, err := since.Seq()
	if err != nil {
		return err
	}
	for ev, err := range b.store.Events(ctx, after, upTo) {
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

func (b *broker) follow(ctx context.Context, live *watcher, send func(task.Event) error) error {
	for {
		select {
		case ev := <-live.events:
			if err := send(ev); err != nil {
				return err
			}
		case <-live.lagged:
			return &task.Error{Err: task.ErrWatchLagged, Detail: fmt.Sprintf("more than %d events waited for it", task.MaxWatchBuffer),
				Hint: "watch again with the cursor of the last event"}
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-b.life.Done():
			return errOver
		}
	}
}

// wants says which events a watcher is told.
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
