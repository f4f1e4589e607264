//go:build linux

package rpc

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/forecast"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// Simulate predicts which tasks will run, and when. The loop only forks the engine; the
// rest is done beside it, one simulation at a time.
func (s *service) Simulate(m *pb.SimulateRequest, stream grpc.ServerStreamingServer[pb.SimulateResponse]) error {
	ctx := stream.Context()
	q, c, err := request(ctx, s, m, wire.SimulateQueryFrom)
	if err != nil {
		return err
	}
	if q.Package, err = c.scope(q.Package); err != nil {
		return err
	}
	for _, id := range q.TaskIDs {
		if _, err := s.find(ctx, c, id); err != nil {
			return err
		}
	}
	answer, err := s.simulate(ctx, q)
	if err != nil {
		return err
	}
	return wire.SimulationTo(answer, stream.Send)
}

func (s *service) simulate(ctx context.Context, q wire.SimulateQuery) (task.Simulation, error) {
	question := forecast.Question{From: q.From, Until: q.Until, Suppose: q.Suppose, Wanted: wantedIn(q), Lasts: s.lastings(ctx, q.RunFor)}
	question.Over = func() error {
		if s.Loop.Life().Err() != nil {
			return loop.ErrOver
		}
		return context.Cause(ctx)
	}
	if q.RunFor < 0 || q.RunFor > task.MaxInterval {
		return task.Simulation{}, &task.Error{Err: task.ErrInvalid, Detail: "no run lasts " + task.Duration(q.RunFor)}
	}
	if err := question.Check(time.Now()); err != nil { // before anything is copied
		return task.Simulation{}, err
	}
	select {
	case s.simulating <- struct{}{}:
		defer func() { <-s.simulating }()
	case <-ctx.Done():
		return task.Simulation{}, context.Cause(ctx)
	case <-s.Loop.Life().Done():
		return task.Simulation{}, loop.ErrOver
	}
	if err := s.awaitSources(ctx); err != nil {
		return task.Simulation{}, err
	}
	var fork *engine.Engine
	var as engine.Instant
	var defect error
	if err := s.Loop.Query(ctx, func(state loop.State, now engine.Instant) { as = now; fork, defect = state.Fork() }); err != nil {
		return task.Simulation{}, err
	}
	if defect != nil {
		return task.Simulation{}, fmt.Errorf("%w: %w", task.ErrInternal, defect)
	}
	return forecast.Run(fork, as, question)
}

// The sources of a broker that has just started have not reported yet. That is over soon,
// but a simulation would take it for the state that lasts.
const (
	reportWithin = 3 * time.Second
	reportEvery  = 20 * time.Millisecond
)

// awaitSources waits until every source has reported, but not forever.
func (s *service) awaitSources(ctx context.Context) error {
	patience := time.After(reportWithin)
	for {
		var sources []task.SourceState
		if err := s.Loop.Query(ctx, func(state loop.State, _ engine.Instant) { sources = state.Sources() }); err != nil {
			return err
		}
		if !slices.ContainsFunc(sources, func(s task.SourceState) bool { return s.Status == task.SourceStarting }) {
			return nil
		}
		select {
		case <-patience:
			return nil
		case <-time.After(reportEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.Loop.Life().Done():
			return loop.ErrOver
		}
	}
}

func wantedIn(q wire.SimulateQuery) func(task.Info) bool {
	return func(info task.Info) bool {
		return (q.Package == "" || info.Package == q.Package) && (len(q.TaskIDs) == 0 || slices.Contains(q.TaskIDs, info.TaskID))
	}
}

// pastRuns is the number of runs of which the median is taken.
const pastRuns = 25

// lastings returns how long the runs of a task last, and by how many past runs: each, if
// that is given, or the median of the latest runs that came to their own end.
func (s *service) lastings(ctx context.Context, each time.Duration) func(task.GUID) (time.Duration, int) {
	if each > 0 {
		return func(task.GUID) (time.Duration, int) { return each, 0 }
	}
	return func(id task.GUID) (time.Duration, int) {
		events, err := s.Store.History(ctx, store.Query{TaskID: id, Outcomes: []task.Outcome{task.Completed, task.Failed}, Limit: pastRuns})
		if err != nil && ctx.Err() == nil {
			s.Log.Warn("cannot read how long runs have lasted", "task", id, "err", err)
		}
		return median(events)
	}
}

func median(ended []task.Event) (time.Duration, int) {
	var took []time.Duration
	for _, ev := range ended {
		if d, ok := ev.Run.Took(); ok {
			took = append(took, d)
		}
	}
	if len(took) == 0 {
		return 0, 0
	}
	slices.Sort(took)
	return took[len(took)/2], len(took)
}
