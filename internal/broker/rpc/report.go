//go:build linux

package rpc

import (
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// ReportFacts takes the facts of an external source while its stream lasts. When the
// stream ends, the source is gone and its facts become unknown.
func (s *service) ReportFacts(stream grpc.ClientStreamingServer[pb.ReportFactsRequest, pb.ReportFactsResponse]) error {
	if _, err := s.caller(stream.Context()); err != nil {
		return err
	}
	first, err := recvReport(stream)
	if err != nil {
		return err
	}
	leave, err := s.externals.enter(first.Source)
	if err != nil {
		return err
	}
	defer leave()
	state := task.SourceState{Name: first.Source, Status: task.SourceUp}
	defer func() {
		state.Status, state.Detail = task.SourceGone, "it no longer reports"
		_ = s.Loop.Put(s.Loop.Life(), engine.SourceChanged{State: state}) // it fails only when the broker is ending
	}()
	turn := s.Loop.NewWindow()
	for report := first; ; {
		if err := takeReport(turn, &state, report); err != nil {
			return err
		}
		if report, err = recvReport(stream); errors.Is(err, io.EOF) {
			return stream.SendAndClose(&pb.ReportFactsResponse{})
		} else if err != nil {
			return err
		}
	}
}

func recvReport(stream grpc.ClientStreamingServer[pb.ReportFactsRequest, pb.ReportFactsResponse]) (wire.Report, error) {
	m, err := stream.Recv()
	if err != nil {
		return wire.Report{}, err
	}
	return wire.ReportFrom(m)
}

// takeReport hands a report to the engine, after the names of facts that are new in it.
func takeReport(turn *loop.Window, state *task.SourceState, report wire.Report) error {
	feeds := make(map[string]bool, len(state.Facts))
	for _, name := range state.Facts {
		feeds[name] = true
	}
	known := len(state.Facts)
	for _, f := range report.Facts {
		if !strings.HasPrefix(f.Name, state.Name+"/") {
			return &task.Error{Subject: f.Name, Err: task.ErrInvalid, Detail: "the facts of source " + state.Name + " must be named " + state.Name + "/FACT"}
		}
		if !feeds[f.Name] {
			feeds[f.Name] = true
			state.Facts = append(state.Facts, f.Name)
		}
	}
	if len(state.Facts) > task.MaxFacts {
		return &task.Error{Subject: state.Name, Err: task.ErrLimit, Detail: "a source can report at most 4,096 facts"}
	}
	if len(state.Facts) > known || known == 0 {
		changed := *state
		changed.Facts = append([]string(nil), state.Facts...)
		if err := turn.Put(engine.SourceChanged{State: changed}); err != nil {
			return err
		}
	}
	for i := range report.Facts {
		report.Facts[i].Source = state.Name
	}
	return turn.Put(engine.FactsReported{Source: state.Name, Facts: report.Facts})
}
