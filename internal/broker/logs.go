//go:build linux

package broker

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/process"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// recorder keeps the output of launches: a process.Supervisor.
type recorder interface {
	Output(token task.LaunchToken, from, to time.Time) ([]process.Chunk, error)
	Forget(token task.LaunchToken)
}

// Logs reads the kept output of launched servers. It is kept for each launch, and
// shown for a task by the time of its runs.
func (s *service) Logs(m *pb.LogsRequest, stream grpc.ServerStreamingServer[pb.LogsResponse]) error {
	ctx, b := stream.Context(), s.broker
	q, err := wire.LogsQueryFrom(m)
	if err != nil {
		return err
	}
	w, err := b.who(ctx)
	if err != nil {
		return err
	}
	runs, err := b.launchedRuns(ctx, w, q)
	if err != nil {
		return err
	}
	for _, span := range spans(runs, q) {
		if err := b.sendOutput(ctx, span, q.Follow, stream.Send); err != nil {
			return err
		}
	}
	return nil
}

// launchedRuns are the runs of a query that had a launched server, newest first.
func (b *broker) launchedRuns(ctx context.Context, w who, q wire.LogsQuery) ([]task.Run, error) {
	family, err := w.scope("")
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
		info, err := b.find(ctx, w, q.TaskID)
		if err != nil {
			return nil, err
		}
		add(info.State.Run)
	}
	past := wire.HistoryQuery{TaskID: q.TaskID, RunID: q.RunID, Package: family, Kinds: []task.EventKind{task.EventEnded}}
	err = b.history(ctx, past, func(ev task.Event) error {
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

// spans puts runs together by launch, oldest first.
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

// lookAgain is how often the output of a live run is looked at for one who
// follows it: the files are written by the server, and nobody tells us.
const lookAgain = 250 * time.Millisecond

const outputPiece = 64 << 10

// sendOutput sends what a launch has written, and while one of its runs is live
// and followed, what it writes.
func (b *broker) sendOutput(ctx context.Context, s span, follow bool, send func(*pb.LogsResponse) error) error {
	live := s.to.IsZero()
	s.launch.Started, s.launch.Ended = s.from, s.to
	var over <-chan struct{}
	if follow && live {
		var leave func()
		over, leave = b.runEnd(s.launch.Token)
		defer leave()
	}
	var sent sentOutput
	chunks, err := b.recorder.Output(s.launch.Token, s.from, s.to)
	s.launch.Cut = err != nil
	if err := send(wire.OutputTo(task.Output{Launch: &s.launch})); err != nil {
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
		case <-b.life.Done():
			return errOver
		}
		chunks, err = b.recorder.Output(s.launch.Token, s.from, s.to)
	}
	return nil // it is no longer kept
}

// runEnd is closed when a run of a launch ends.
func (b *broker) runEnd(token task.LaunchToken) (over <-chan struct{}, leave func()) {
	ended := make(chan struct{})
	var once sync.Once
	w := b.hub.join(func(ev task.Event) bool {
		if ev.Kind == task.EventEnded && ev.Run != nil && ev.Run.Launch == token {
			once.Do(func() { close(ended) })
		}
		return false
	})
	return ended, func() { b.hub.leave(w) }
}

// sentOutput is how much of each stream was sent: the text of a live launch is
// cut into other chunks each time it is asked for.
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
