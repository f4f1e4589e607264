//go:build linux

package broker

import (
	"context"
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// What only the user's command line may ask for.

// byUser asks the engine for something that is the user's to decide.
func (s *service) byUser(ctx context.Context, event engine.Event) (engine.Answer, error) {
	if err := s.mustBeUser(ctx); err != nil {
		return engine.Answer{}, err
	}
	return s.broker.ask(ctx, event)
}

func (s *service) mustBeUser(ctx context.Context) error {
	w, err := s.broker.who(ctx)
	if err == nil && !w.user {
		err = &task.Error{Subject: w.family, Err: task.ErrAccessDenied, Detail: "this is the user's to decide, not an application's", Hint: "use the command line: bgtask"}
	}
	return err
}

// SetAccess is the user's word on a package.
func (s *service) SetAccess(ctx context.Context, m *pb.SetAccessRequest) (*pb.SetAccessResponse, error) {
	r, err := wire.SetAccessRequestFrom(m)
	if err != nil {
		return nil, err
	}
	_, err = s.byUser(ctx, engine.SetAccess{Request: requestID(r.Request), Package: r.Package, Access: r.Access})
	s.broker.directory.changed()
	return &pb.SetAccessResponse{}, err
}

// InstallPackage installs the package in a folder or file, or updates it.
func (s *service) InstallPackage(ctx context.Context, m *pb.InstallPackageRequest) (*pb.InstallPackageResponse, error) {
	r, err := wire.InstallRequestFrom(m)
	if err != nil {
		return nil, err
	}
	if err := s.mustBeUser(ctx); err != nil {
		return nil, err
	}
	done, err := s.broker.install(ctx, r)
	if err != nil {
		return nil, err
	}
	return wire.InstalledTo(done), nil
}

// UninstallPackage removes a package.
func (s *service) UninstallPackage(ctx context.Context, m *pb.UninstallPackageRequest) (*pb.UninstallPackageResponse, error) {
	request, err := wire.RequestIDFrom(m.GetRequestId())
	if err != nil {
		return nil, err
	}
	family, err := wire.TextFrom("package", m.GetPackage(), task.MaxName)
	if err != nil {
		return nil, err
	}
	_, err = s.byUser(ctx, engine.Uninstall{Request: requestID(request), Package: family, KeepData: m.GetKeepData()})
	s.broker.directory.changed()
	return &pb.UninstallPackageResponse{}, err
}

// OverrideFact sets a fact, for testing.
func (s *service) OverrideFact(ctx context.Context, m *pb.OverrideFactRequest) (*pb.OverrideFactResponse, error) {
	r, err := wire.OverrideFactRequestFrom(m)
	if err != nil {
		return nil, err
	}
	_, err = s.byUser(ctx, engine.OverrideFact{Request: requestID(r.Request), Name: r.Name, Value: r.Value, For: r.For})
	return &pb.OverrideFactResponse{}, err
}

// ClearOverride ends overrides.
func (s *service) ClearOverride(ctx context.Context, m *pb.ClearOverrideRequest) (*pb.ClearOverrideResponse, error) {
	request, err := wire.RequestIDFrom(m.GetRequestId())
	if err != nil {
		return nil, err
	}
	name := m.GetName()
	if name != "" {
		if name, err = wire.TextFrom("name", name, task.MaxName); err != nil {
			return nil, err
		}
	}
	_, err = s.byUser(ctx, engine.ClearOverride{Request: requestID(request), Name: name})
	return &pb.ClearOverrideResponse{}, err
}

// Stop cancels all runs and ends the broker.
func (s *service) Stop(ctx context.Context, m *pb.StopRequest) (*pb.StopResponse, error) {
	request, err := wire.RequestIDFrom(m.GetRequestId())
	if err != nil {
		return nil, err
	}
	within, err := wire.WithinFrom(m)
	if err != nil {
		return nil, err
	}
	if within == 0 {
		within = s.broker.stopWithin()
	}
	_, err = s.byUser(ctx, engine.StopAll{Request: requestID(request), Reason: task.ReasonTerminating, Within: within})
	return &pb.StopResponse{}, err
}

// ReportFacts takes the facts of an external source for as long as the stream
// lasts.
func (s *service) ReportFacts(stream grpc.ClientStreamingServer[pb.ReportFactsRequest, pb.ReportFactsResponse]) error {
	b := s.broker
	if _, err := b.who(stream.Context()); err != nil {
		return err
	}
	first, err := recvReport(stream)
	if err != nil {
		return err
	}
	leave, err := b.externals.enter(first.Source)
	if err != nil {
		return err
	}
	defer leave()
	state := task.SourceState{Name: first.Source, Status: task.SourceUp}
	defer func() {
		state.Status, state.Detail = task.SourceGone, "it no longer reports"
		b.inbox.put(b.life, item{event: engine.SourceChanged{State: state}})
	}()
	turn := make(window, peerWindow)
	for report := first; ; {
		if err := b.takeReport(turn, &state, report); err != nil {
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

// takeReport hands a report to the engine, and first what the source now feeds.
func (b *broker) takeReport(turn window, state *task.SourceState, report wire.Report) error {
	feeds := make(map[string]bool, len(state.Facts))
	for _, name := range state.Facts {
		feeds[name] = true
	}
	known := len(state.Facts)
	for _, f := range report.Facts {
		if !strings.HasPrefix(f.Name, state.Name+"/") {
			return &task.Error{Subject: f.Name, Err: task.ErrInvalid, Detail: "a fact of source " + state.Name + " is called " + state.Name + "/FACT"}
		}
		if !feeds[f.Name] {
			feeds[f.Name] = true
			state.Facts = append(state.Facts, f.Name)
		}
	}
	if len(state.Facts) > task.MaxFacts {
		return &task.Error{Subject: state.Name, Err: task.ErrLimit, Detail: "it reports more than 4,096 facts"}
	}
	if len(state.Facts) > known || known == 0 {
		told := *state
		told.Facts = append([]string(nil), state.Facts...)
		if err := b.putWithin(turn, engine.SourceChanged{State: told}); err != nil {
			return err
		}
	}
	for i := range report.Facts {
		report.Facts[i].Source = state.Name
	}
	return b.putWithin(turn, engine.FactsReported{Source: state.Name, Facts: report.Facts})
}
