//go:build linux

package rpc

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// Logs reads the kept output of launched servers. The output is kept for each launch;
// a task is shown what was written while its runs lasted.
func (s *service) Logs(m *pb.LogsRequest, stream grpc.ServerStreamingServer[pb.LogsResponse]) error {
	ctx := stream.Context()
	q, c, err := request(ctx, s, m, wire.LogsQueryFrom)
	if err != nil {
		return err
	}
	runs, err := s.launchedRuns(ctx, c, q)
	if err != nil {
		return err
	}
	for _, span := range spans(runs, q) {
		if err := s.sendOutput(ctx, span, q.Follow, stream.Send); err != nil {
			return err
		}
	}
	return nil
}

// launchedRuns returns the runs of a query that had a launched server, newest first.
func (s *service) launchedRuns(ctx context.Context, c caller, q wire.LogsQuery) ([]task.Run, error) {
	family, err := c.scope("")
	if err != nil {
		return nil, err
	}
	var runs []task.Run
	add := func(r *task.Run) {
		if r != nil && !r.Launch.IsZero() && (q.RunID.IsZero() || r.ID == q.RunID) {
			runs = append(runs, *r)
		}
	}
	if !q.TaskID.IsZero() {
		info, err := s.find(ctx, c, q.TaskID)
		if err != nil {
			return nil, err
		}
		add(info.State.Run)
	}
	past := wire.HistoryQuery{TaskID: q.TaskID, RunID: q.RunID, Package: family, Kinds: []task.EventKind{task.EventEnded}}
	err = s.history(ctx, past, func(ev task.Event) error {
		add(ev.Run)
		return nil
	})
	return runs, err
}

// span is the part of a launch's output that belongs to the runs of a query.
type span struct {
	launch   task.Launch
	from, to time.Time // to is zero while a run is live
}

// spans groups runs by launch, oldest first.
func spans(runs []task.Run, q wire.LogsQuery) []span {
	var all []span
	at := make(map[task.LaunchToken]int)
	for _, r := range runs {
		i, ok := at[r.Launch]
		if !ok {
			i = len(all)
			at[r.Launch] = i
			all = append(all, span{launch: task.Launch{Token: r.Launch, Package: r.Package, Server: r.Name, PID: r.PID}, from: r.Started, to: r.Ended})
		}
		s := &all[i]
		if r.Started.Before(s.from) {
			s.from = r.Started
		}
		if r.Ended.IsZero() || !s.to.IsZero() && r.Ended.After(s.to) {
			s.to = r.Ended
		}
		if s.launch.Exit == "" {
			s.launch.Exit = r.Exit
		}
	}
	slices.SortStableFunc(all, func(a, b span) int { return cmp.Compare(a.from.UnixNano(), b.from.UnixNano()) })
	if q.Launches > 0 && len(all) > q.Launches {
		all = all[len(all)-q.Launches:]
	}
	return all
}

// lookAgain is how often the output of a live run is read while a client follows it. The
// server writes the files itself, so nothing reports a change.
const lookAgain = 250 * time.Millisecond

const outputPiece = 64 << 10

// sendOutput sends what a launch has written. If the client follows and one of the
// launch's runs is live, it goes on with what is written until that run ends.
func (s *service) sendOutput(ctx context.Context, part span, follow bool, send func(*pb.LogsResponse) error) error {
	live := part.to.IsZero()
	part.launch.Started, part.launch.Ended = part.from, part.to
	var over <-chan struct{}
	if follow && live {
		var leave func()
		over, leave = s.runEnd(part.launch.Token)
		defer leave()
	}
	var sent sentOutput
	chunks, err := s.Supervisor.Output(part.launch.Token, part.from, part.to)
	part.launch.Cut = err != nil
	if err := send(wire.OutputTo(task.Output{Launch: &part.launch})); err != nil {
		return err
	}
	for last := !follow || !live; err == nil; {
		if err := sent.send(chunks, send); err != nil || last {
			return err
		}
		select {
		case <-time.After(lookAgain):
		case <-over:
			last = true
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.Loop.Life().Done():
			return loop.ErrOver
		}
		chunks, err = s.Supervisor.Output(part.launch.Token, part.from, part.to)
	}
	return nil // the output is no longer kept
}

// runEnd returns a channel that is closed when a run of a launch ends.
func (s *service) runEnd(token task.LaunchToken) (over <-chan struct{}, leave func()) {
	ended := make(chan struct{})
	var once sync.Once
	subscriber := s.Hub.Subscribe(func(ev task.Event) bool {
		if ev.Kind == task.EventEnded && ev.Run != nil && ev.Run.Launch == token {
			once.Do(func() { close(ended) })
		}
		return false
	})
	return ended, func() { s.Hub.Unsubscribe(subscriber) }
}

// sentOutput is how much of each stream was sent. The text of a live launch is divided
// into different chunks each time it is read.
type sentOutput [2]int

func (s *sentOutput) send(chunks []process.Chunk, send func(*pb.LogsResponse) error) error {
	var seen [2]int
	for _, c := range chunks {
		begin := seen[c.Stream]
		seen[c.Stream] += len(c.Text)
		if seen[c.Stream] <= s[c.Stream] {
			continue
		}
		for piece := range slices.Chunk(c.Text[max(s[c.Stream]-begin, 0):], outputPiece) {
			if err := send(wire.OutputTo(task.Output{Data: piece})); err != nil {
				return err
			}
		}
		s[c.Stream] = seen[c.Stream]
	}
	return nil
}
