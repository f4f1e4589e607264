//go:build linux

package rpc

import (
	"context"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// The requests in this file only read the engine, on the loop.

// ListTasks lists registrations.
func (s *service) ListTasks(m *pb.ListTasksRequest, stream grpc.ServerStreamingServer[pb.ListTasksResponse]) error {
	ctx := stream.Context()
	q, c, err := request(ctx, s, m, wire.TaskQueryFrom)
	if err != nil {
		return err
	}
	family, err := c.scope(q.Package)
	if err != nil {
		return err
	}
	encode := func(info task.Info) *pb.ListTasksResponse { return &pb.ListTasksResponse{Task: wire.InfoTo(info)} }
	return list(ctx, s, stream.Send, encode, func(state loop.State, now engine.Instant) []task.Info {
		return state.Tasks(now, engine.Filter{Package: family, Groups: q.Groups, All: q.AllGroups})
	})
}

// ListTaskGroups lists the groups of registrations.
func (s *service) ListTaskGroups(_ *pb.ListTaskGroupsRequest, stream grpc.ServerStreamingServer[pb.ListTaskGroupsResponse]) error {
	ctx := stream.Context()
	c, err := s.caller(ctx)
	if err != nil {
		return err
	}
	encode := func(group string) *pb.ListTaskGroupsResponse { return &pb.ListTaskGroupsResponse{Group: group} }
	return list(ctx, s, stream.Send, encode, func(state loop.State, _ engine.Instant) (groups []string) {
		if !c.user {
			return state.Groups(c.Family)
		}
		for _, p := range state.Packages() {
			groups = append(groups, state.Groups(p.Family)...)
		}
		slices.Sort(groups)
		return slices.Compact(groups)
	})
}

// taskIDFrom decodes a request that names one task.
func taskIDFrom[M interface{ GetTaskId() string }](m M) (task.GUID, error) {
	return wire.GUIDFrom("task_id", m.GetTaskId())
}

// GetTask returns one registration.
func (s *service) GetTask(ctx context.Context, m *pb.GetTaskRequest) (*pb.GetTaskResponse, error) {
	id, c, err := request(ctx, s, m, taskIDFrom)
	if err != nil {
		return nil, err
	}
	info, err := s.find(ctx, c, id)
	return &pb.GetTaskResponse{Task: wire.InfoTo(info)}, err
}

// Why explains why a task is, or is not, running.
func (s *service) Why(ctx context.Context, m *pb.WhyRequest) (*pb.WhyResponse, error) {
	id, c, err := request(ctx, s, m, taskIDFrom)
	if err != nil {
		return nil, err
	}
	var x task.Explanation
	var ok bool
	if err := s.Loop.Query(ctx, func(state loop.State, now engine.Instant) { x, ok = state.Why(now, id) }); err != nil {
		return nil, err
	}
	if !ok || !c.sees(x.Info.Package) {
		return nil, notRegistered(id)
	}
	return &pb.WhyResponse{Explanation: wire.ExplanationTo(x)}, nil
}

// ListFacts lists all facts, then all sources.
func (s *service) ListFacts(_ *pb.ListFactsRequest, stream grpc.ServerStreamingServer[pb.ListFactsResponse]) error {
	ctx := stream.Context()
	c, err := s.caller(ctx)
	if err != nil {
		return err
	}
	var facts []task.Fact
	var sources []task.SourceState
	if err := s.Loop.Query(ctx, func(state loop.State, now engine.Instant) { facts, sources = state.Facts(now), state.Sources() }); err != nil {
		return err
	}
	err = sendAll(facts, stream.Send, func(f task.Fact) *pb.ListFactsResponse {
		if !c.user {
			f.UsedBy = slices.DeleteFunc(f.UsedBy, func(name string) bool { return !ownTask(c.Family, name) })
		}
		return &pb.ListFactsResponse{Item: &pb.ListFactsResponse_Fact{Fact: wire.FactTo(f)}}
	})
	if err != nil {
		return err
	}
	return sendAll(sources, stream.Send, func(src task.SourceState) *pb.ListFactsResponse {
		return &pb.ListFactsResponse{Item: &pb.ListFactsResponse_Source{Source: wire.SourceTo(src)}}
	})
}

// ownTask reports whether name, PACKAGE/NAME, belongs to the package.
func ownTask(family, name string) bool {
	rest, ok := strings.CutPrefix(name, family)
	return ok && strings.HasPrefix(rest, "/")
}

// ListPackages lists packages: all for the user, its own for an application.
func (s *service) ListPackages(_ *pb.ListPackagesRequest, stream grpc.ServerStreamingServer[pb.ListPackagesResponse]) error {
	ctx := stream.Context()
	c, err := s.caller(ctx)
	if err != nil {
		return err
	}
	encode := func(p task.Package) *pb.ListPackagesResponse {
		return &pb.ListPackagesResponse{Package: wire.PackageTo(p)}
	}
	return list(ctx, s, stream.Send, encode, func(state loop.State, _ engine.Instant) []task.Package {
		return slices.DeleteFunc(state.Packages(), func(p task.Package) bool { return !c.sees(p.Family) })
	})
}
