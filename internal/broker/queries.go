//go:build linux

package broker

import (
	"context"
	"slices"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// What is only read: from the engine on the loop, from history beside it.

// scope is the package that a caller's query is about; "" is all of them, which
// only the user sees.
func (w who) scope(asked string) (string, error) {
	if w.user || asked == w.family {
		return asked, nil
	}
	if asked != "" {
		return "", &task.Error{Subject: asked, Err: task.ErrAccessDenied, Detail: "an application sees its own tasks only"}
	}
	return w.family, nil
}

// sees says whether a caller may know of a package.
func (w who) sees(family string) bool { return w.user || family == w.family }

func notRegistered(id task.GUID) error {
	return &task.Error{Subject: id.String(), Err: task.ErrNotRegistered, Detail: "no such task is registered", Hint: "'bgtask list' shows all"}
}

// ListTasks lists registrations.
func (s *service) ListTasks(m *pb.ListTasksRequest, stream grpc.ServerStreamingServer[pb.ListTasksResponse]) error {
	ctx, b := stream.Context(), s.broker
	q, err := wire.TaskQueryFrom(m)
	if err != nil {
		return err
	}
	w, err := b.who(ctx)
	if err != nil {
		return err
	}
	family, err := w.scope(q.Package)
	if err != nil {
		return err
	}
	var tasks []task.Info
	err = b.query(ctx, func(now engine.Instant) {
		tasks = b.engine.Tasks(now, engine.Filter{Package: family, Groups: q.Groups, All: q.AllGroups})
	})
	for i := range tasks {
		if err := stream.Send(&pb.ListTasksResponse{Task: wire.InfoTo(tasks[i])}); err != nil {
			return err
		}
	}
	return err
}

// ListTaskGroups lists the groups that registrations are in.
func (s *service) ListTaskGroups(_ *pb.ListTaskGroupsRequest, stream grpc.ServerStreamingServer[pb.ListTaskGroupsResponse]) error {
	ctx, b := stream.Context(), s.broker
	w, err := b.who(ctx)
	if err != nil {
		return err
	}
	var groups []string
	err = b.query(ctx, func(engine.Instant) {
		if !w.user {
			groups = b.engine.Groups(w.family)
			return
		}
		for _, p := range b.engine.Packages() {
			groups = append(groups, b.engine.Groups(p.Family)...)
		}
	})
	slices.Sort(groups)
	for _, g := range slices.Compact(groups) {
		if err := stream.Send(&pb.ListTaskGroupsResponse{Group: g}); err != nil {
			return err
		}
	}
	return err
}

// find is a task that the caller may see.
func (b *broker) find(ctx context.Context, w who, id task.GUID) (info task.Info, err error) {
	var ok bool
	if err := b.query(ctx, func(now engine.Instant) { info, ok = b.engine.Task(now, id) }); err != nil {
		return info, err
	}
	if !ok || !w.sees(info.Package) {
		return task.Info{}, notRegistered(id)
	}
	return info, nil
}

// GetTask shows one registration.
func (s *service) GetTask(ctx context.Context, m *pb.GetTaskRequest) (*pb.GetTaskResponse, error) {
	id, err := wire.GUIDFrom("task_id", m.GetTaskId())
	if err != nil {
		return nil, err
	}
	w, err := s.broker.who(ctx)
	if err != nil {
		return nil, err
	}
	info, err := s.broker.find(ctx, w, id)
	return &pb.GetTaskResponse{Task: wire.InfoTo(info)}, err
}

// Why explains why a task does not run, or why it does.
func (s *service) Why(ctx context.Context, m *pb.WhyRequest) (*pb.WhyResponse, error) {
	b := s.broker
	id, err := wire.GUIDFrom("task_id", m.GetTaskId())
	if err != nil {
		return nil, err
	}
	w, err := b.who(ctx)
	if err != nil {
		return nil, err
	}
	var x task.Explanation
	var ok bool
	if err := b.query(ctx, func(now engine.Instant) { x, ok = b.engine.Why(now, id) }); err != nil {
		return nil, err
	}
	if !ok || !w.sees(x.Info.Package) {
		return nil, notRegistered(id)
	}
	return &pb.WhyResponse{Explanation: wire.ExplanationTo(x)}, nil
}

// ListFacts lists all facts, then all sources.
func (s *service) ListFacts(_ *pb.ListFactsRequest, stream grpc.ServerStreamingServer[pb.ListFactsResponse]) error {
	ctx, b := stream.Context(), s.broker
	w, err := b.who(ctx)
	if err != nil {
		return err
	}
	var facts []task.Fact
	var sources []task.SourceState
	if err := b.query(ctx, func(now engine.Instant) { facts, sources = b.engine.Facts(now), b.engine.Sources() }); err != nil {
		return err
	}
	for _, f := range facts {
		if !w.user {
			f.UsedBy = slices.DeleteFunc(f.UsedBy, func(name string) bool { return !ownTask(w.family, name) })
		}
		if err := stream.Send(&pb.ListFactsResponse{Item: &pb.ListFactsResponse_Fact{Fact: wire.FactTo(f)}}); err != nil {
			return err
		}
	}
	for _, src := range sources {
		if err := stream.Send(&pb.ListFactsResponse{Item: &pb.ListFactsResponse_Source{Source: wire.SourceTo(src)}}); err != nil {
			return err
		}
	}
	return nil
}

// ownTask says whether name, PACKAGE/NAME, is of the package.
func ownTask(family, name string) bool {
	return len(name) > len(family) && name[:len(family)] == family && name[len(family)] == '/'
}

// ListPackages lists packages: all for the user, its own for an application.
func (s *service) ListPackages(_ *pb.ListPackagesRequest, stream grpc.ServerStreamingServer[pb.ListPackagesResponse]) error {
	ctx, b := stream.Context(), s.broker
	w, err := b.who(ctx)
	if err != nil {
		return err
	}
	var packages []task.Package
	if err := b.query(ctx, func(engine.Instant) { packages = b.engine.Packages() }); err != nil {
		return err
	}
	for _, p := range packages {
		if !w.sees(p.Family) {
			continue
		}
		if err := stream.Send(&pb.ListPackagesResponse{Package: wire.PackageTo(p)}); err != nil {
			return err
		}
	}
	return nil
}

// History reads stored events, newest first.
func (s *service) History(m *pb.HistoryRequest, stream grpc.ServerStreamingServer[pb.HistoryResponse]) error {
	ctx, b := stream.Context(), s.broker
	q, err := wire.HistoryQueryFrom(m)
	if err != nil {
		return err
	}
	w, err := b.who(ctx)
	if err != nil {
		return err
	}
	if q.Package, err = w.scope(q.Package); err != nil {
		return err
	}
	return b.history(ctx, q, func(ev task.Event) error {
		return stream.Send(&pb.HistoryResponse{Event: wire.EventTo(ev)})
	})
}

const historyPage = 500

// history reads page by page, so that a reader that is slow holds no transaction.
func (b *broker) history(ctx context.Context, q wire.HistoryQuery, send func(task.Event) error) error {
	page := store.Query{TaskID: q.TaskID, Package: q.Package, Kinds: q.Kinds, Outcomes: q.Outcomes, Since: q.Since, Until: q.Until, Limit: historyPage}
	for sent := 0; ; {
		events, err := b.store.History(ctx, page)
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
