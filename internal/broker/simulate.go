//go:build linux

package broker

import (
	"context"
	"fmt"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/forecast"
	"github.com/bgtask/bgtask/internal/store"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// Simulate tells which runs would happen when. The loop does nothing for it but to
// fork the engine; the rest is done beside it, one simulation at a time.
func (s *service) Simulate(m *pb.SimulateRequest, stream grpc.ServerStreamingServer[pb.SimulateResponse]) error {
	ctx, b := stream.Context(), s.broker
	q, err := wire.SimulateQueryFrom(m)
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
	for _, id := range q.TaskIDs {
		if _, err := b.find(ctx, w, id); err != nil {
			return err
		}
	}
	answer, err := b.simulate(ctx, q)
	if err != nil {
		return err
	}
	return wire.SimulationTo(answer, stream.Send)
}

func (b *broker) simulate(ctx context.Context, q wire.SimulateQuery) (task.Simulation, error) {
	question := forecast.Question{From: q.From, Until: q.Until, Suppose: q.Suppose, Wanted: wantedIn(q), Lasts: b.lastings(ctx, q.RunFor)}
	question.Over = func() error {
		if b.life.Err() != nil {
			return errOver
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
	case b.simulating <- struct{}{}:
		defer func() { <-b.simulating }()
	case <-ctx.Done():
		return task.Simulation{}, context.Cause(ctx)
	case <-b.life.Done():
		return task.Simulation{}, errOver
	}
	if err := b.sourcesSpoken(ctx); err != nil {
		return task.Simulation{}, err
	}
	var fork *engine.Engine
	var as engine.Instant
	var defect error
	if err := b.query(ctx, func(now engine.Instant) { as = now; fork, defect = b.engine.Fork() }); err != nil {
		return task.Simulation{}, err
	}
	if defect != nil {
		return task.Simulation{}, fmt.Errorf("%w: %w", task.ErrInternal, defect)
	}
	return forecast.Run(fork, as, question)
}

// Of a broker that has just started the sources have not spoken: that is soon over,
// and would be foretold to last.
const (
	spokenWithin = 3 * time.Second
	spokenEvery  = 20 * time.Millisecond
)

// sourcesSpoken waits until every source has, but not for ever.
func (b *broker) sourcesSpoken(ctx context.Context) error {
	patience := time.After(spokenWithin)
	for {
		var sources []task.SourceState
		if err := b.query(ctx, func(engine.Instant) { sources = b.engine.Sources() }); err != nil {
			return err
		}
		if !slices.ContainsFunc(sources, func(s task.SourceState) bool { return s.Status == task.SourceStarting }) {
			return nil
		}
		select {
		case <-patience:
			return nil
		case <-time.After(spokenEvery):
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-b.life.Done():
			return errOver
		}
	}
}

func wantedIn(q wire.SimulateQuery) func(task.Info) bool {
	return func(info task.Info) bool {
		return (q.Package == "" || info.Package == q.Package) && (len(q.TaskIDs) == 0 || slices.Contains(q.TaskIDs, info.TaskID))
	}
}

// pastRuns is of how many the median is taken.
const pastRuns = 25

// lastings says how long runs of a task last: so long as is asked for, else the
// median of the latest ones that came to their own end.
func (b *broker) lastings(ctx context.Context, each time.Duration) func(task.GUID) (time.Duration, int) {
	if each > 0 {
		return func(task.GUID) (time.Duration, int) { return each, 0 }
	}
	return func(id task.GUID) (time.Duration, int) {
		events, err := b.store.History(ctx, store.Query{TaskID: id, Outcomes: []task.Outcome{task.Completed, task.Failed}, Limit: pastRuns})
		if err != nil && ctx.Err() == nil {
			b.log.Warn("how long runs have lasted cannot be read for a simulation", "task", id, "err", err)
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
