package client

import (
	"context"
	"errors"
	"io"
	"iter"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// stream yields the converted messages of a server stream. The first message is
// requested again if the connection fails: until it arrives, nothing can be lost.
func stream[M, T any](
	ctx context.Context, c *Client, op string, open func(context.Context, *link) (grpc.ServerStreamingClient[M], error), convert func(*M) (T, error),
) iter.Seq2[T, error] {
	return streamFrom(ctx, c, op, true, open, convert)
}

func streamFrom[M, T any](
	ctx context.Context, c *Client, op string, start bool, open func(context.Context, *link) (grpc.ServerStreamingClient[M], error), convert func(*M) (T, error),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var zero T
		var s grpc.ServerStreamingClient[M]
		m, err := callFrom(ctx, c, op, start, func(l *link) (*M, error) {
			var err error
			if s, err = open(ctx, l); err != nil {
				return nil, err
			}
			m, err := s.Recv()
			if errors.Is(err, io.EOF) {
				return nil, nil
			}
			return m, err
		})
		for ; err == nil && m != nil; m, err = s.Recv() {
			v, err := convert(m)
			if !yield(v, err) || err != nil {
				return
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			yield(zero, wire.Error(op, err))
		}
	}
}

// collect returns all items as a list.
func collect[T any](items iter.Seq2[T, error]) ([]T, error) {
	var all []T
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// Tasks returns registrations, sorted by package, name and TaskID.
func (c *Client) Tasks(ctx context.Context, q wire.TaskQuery) ([]task.Info, error) {
	return collect(stream(ctx, c, "list",
		func(ctx context.Context, l *link) (grpc.ServerStreamingClient[pb.ListTasksResponse], error) {
			return l.broker.ListTasks(ctx, wire.TaskQueryTo(q))
		},
		func(m *pb.ListTasksResponse) (task.Info, error) { return wire.InfoFrom(m.GetTask()) }))
}

// Task returns one registration.
func (c *Client) Task(ctx context.Context, id task.GUID) (task.Info, error) {
	m := &pb.GetTaskRequest{TaskId: id.String()}
	r, err := call(ctx, c, "show", func(l *link) (*pb.GetTaskResponse, error) { return l.broker.GetTask(ctx, m) })
	if err != nil {
		return task.Info{}, err
	}
	return wire.InfoFrom(r.GetTask())
}

// Groups returns the groups that contain registrations.
func (c *Client) Groups(ctx context.Context) ([]string, error) {
	return collect(stream(ctx, c, "list groups",
		func(ctx context.Context, l *link) (grpc.ServerStreamingClient[pb.ListTaskGroupsResponse], error) {
			return l.broker.ListTaskGroups(ctx, &pb.ListTaskGroupsRequest{})
		},
		func(m *pb.ListTaskGroupsResponse) (string, error) { return m.GetGroup(), nil }))
}

// Why explains why a task is, or is not, running.
func (c *Client) Why(ctx context.Context, id task.GUID) (task.Explanation, error) {
	m := &pb.WhyRequest{TaskId: id.String()}
	r, err := call(ctx, c, "why", func(l *link) (*pb.WhyResponse, error) { return l.broker.Why(ctx, m) })
	if err != nil {
		return task.Explanation{}, err
	}
	return wire.ExplanationFrom(r.GetExplanation())
}

// Simulate predicts which runs would happen, and when.
func (c *Client) Simulate(ctx context.Context, q wire.SimulateQuery) (s task.Simulation, err error) {
	for m, err := range stream(ctx, c, "simulate",
		func(ctx context.Context, l *link) (grpc.ServerStreamingClient[pb.SimulateResponse], error) {
			return l.broker.Simulate(ctx, wire.SimulateQueryTo(q))
		},
		func(m *pb.SimulateResponse) (*pb.SimulateResponse, error) { return m, nil }) {
		if err == nil {
			err = wire.SimulationFrom(&s, m)
		}
		if err != nil {
			return task.Simulation{}, err
		}
	}
	return s, nil
}

// Facts returns all facts and all sources, each sorted by name.
func (c *Client) Facts(ctx context.Context) ([]task.Fact, []task.SourceState, error) {
	var facts []task.Fact
	var sources []task.SourceState
	for m, err := range stream(ctx, c, "list facts",
		func(ctx context.Context, l *link) (grpc.ServerStreamingClient[pb.ListFactsResponse], error) {
			return l.broker.ListFacts(ctx, &pb.ListFactsRequest{})
		},
		func(m *pb.ListFactsResponse) (*pb.ListFactsResponse, error) { return m, nil }) {
		if err != nil {
			return nil, nil, err
		}
		var failed error
		if m.GetSource() != nil {
			sources, failed = appended(sources, m.GetSource(), wire.SourceFrom)
		} else {
			facts, failed = appended(facts, m.GetFact(), wire.FactFrom)
		}
		if failed != nil {
			return nil, nil, failed
		}
	}
	return facts, sources, nil
}

func appended[M, T any](all []T, m M, convert func(M) (T, error)) ([]T, error) {
	v, err := convert(m)
	return append(all, v), err
}

// Packages returns all packages, sorted by family name.
func (c *Client) Packages(ctx context.Context) ([]task.Package, error) {
	return collect(stream(ctx, c, "list packages",
		func(ctx context.Context, l *link) (grpc.ServerStreamingClient[pb.ListPackagesResponse], error) {
			return l.broker.ListPackages(ctx, &pb.ListPackagesRequest{})
		},
		func(m *pb.ListPackagesResponse) (task.Package, error) { return wire.PackageFrom(m.GetPackage()) }))
}

// History yields stored events, newest first.
func (c *Client) History(ctx context.Context, q wire.HistoryQuery) iter.Seq2[task.Event, error] {
	return stream(ctx, c, "history",
		func(ctx context.Context, l *link) (grpc.ServerStreamingClient[pb.HistoryResponse], error) {
			return l.broker.History(ctx, wire.HistoryQueryTo(q))
		},
		func(m *pb.HistoryResponse) (task.Event, error) { return wire.EventFrom(m.GetEvent()) })
}

// Logs yields the kept output of launched servers, oldest first. When it follows new
// output, it stops without an error when ctx ends.
func (c *Client) Logs(ctx context.Context, q wire.LogsQuery) iter.Seq2[task.Output, error] {
	items := stream(ctx, c, "logs",
		func(ctx context.Context, l *link) (grpc.ServerStreamingClient[pb.LogsResponse], error) {
			return l.broker.Logs(ctx, wire.LogsQueryTo(q))
		}, wire.OutputFrom)
	if !q.Follow {
		return items
	}
	return func(yield func(task.Output, error) bool) {
		for item, err := range items {
			if errors.Is(err, context.Canceled) && ctx.Err() != nil || !yield(item, err) {
				return
			}
		}
	}
}

// LocalFolder returns the path of the caller's data folder, which exists.
func (c *Client) LocalFolder(ctx context.Context) (string, error) {
	r, err := call(ctx, c, "local folder", func(l *link) (*pb.GetLocalFolderResponse, error) {
		return l.broker.GetLocalFolder(ctx, &pb.GetLocalFolderRequest{})
	})
	return r.GetPath(), err
}

// Status returns the state of the broker itself. It does not start one.
func (c *Client) Status(ctx context.Context) (task.Status, error) {
	r, err := callFrom(ctx, c, "status", false, func(l *link) (*pb.GetStatusResponse, error) {
		return l.broker.GetStatus(ctx, &pb.GetStatusRequest{})
	})
	if err != nil {
		return task.Status{}, err
	}
	return wire.StatusFrom(r.GetStatus())
}
