//go:build linux

package rpc

import (
	"context"
	"reflect"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/broker/systemd"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// Register makes a registration.
func (s *service) Register(ctx context.Context, m *pb.RegisterRequest) (*pb.RegisterResponse, error) {
	r, c, err := request(ctx, s, m, wire.RegisterRequestFrom)
	if err != nil {
		return nil, err
	}
	schedule, zoneName := Calendar(r.Spec.Trigger)
	zone, err := Zone(r.Spec.Name, zoneName)
	if err != nil {
		return nil, err
	}
	if err := s.Packages.Imply(ctx, c.program(), c.Owner); err != nil {
		return nil, err
	}
	ev := engine.Register{Request: loop.RequestID(r.Request), Caller: c.engine(), Package: c.Family, Spec: r.Spec, Ensure: r.Ensure, Unique: r.Unique,
		Zone: zone, Calendar: schedule}
	if r.Package != "" {
		ev.Package = r.Package
	}
	if err := s.checkTrigger(ctx, ev); err != nil {
		return nil, err
	}
	a, err := s.Loop.Ask(ctx, ev)
	if err != nil {
		return nil, err
	}
	return wire.RegisteredTo(wire.Registered{
		TaskID: a.TaskID, Change: wire.Change(a.Change), Warnings: append(a.Warnings, systemd.StartWarnings()...), Replaced: a.Replaced,
	}), nil
}

// checkTrigger refuses a trigger that cannot be watched, unless an equal registration
// with this trigger exists: then it is being watched.
func (s *service) checkTrigger(ctx context.Context, ev engine.Register) error {
	err := s.Watches.Check(ev.Spec.Trigger)
	if err == nil || !ev.Ensure {
		return err
	}
	same := false
	failed := s.Loop.Query(ctx, func(state loop.State, now engine.Instant) {
		for _, t := range state.Tasks(now, engine.Filter{Package: ev.Package, All: true}) {
			same = same || t.Spec.Name == ev.Spec.Name && t.Spec.Group == ev.Spec.Group && reflect.DeepEqual(t.Spec.Trigger, ev.Spec.Trigger)
		}
	})
	if failed == nil && same {
		return nil
	}
	return err
}

// Unregister removes a registration.
func (s *service) Unregister(ctx context.Context, m *pb.UnregisterRequest) (*pb.UnregisterResponse, error) {
	_, err := change(ctx, s, m, wire.UnregisterRequestFrom, func(c caller, r wire.UnregisterRequest) engine.Event {
		return engine.Unregister{Request: loop.RequestID(r.Request), Caller: c.engine(), TaskID: r.TaskID, Cancel: r.Cancel}
	})
	return &pb.UnregisterResponse{}, err
}

// Fire fires a registration.
func (s *service) Fire(ctx context.Context, m *pb.FireRequest) (*pb.FireResponse, error) {
	a, err := change(ctx, s, m, wire.FireRequestFrom, func(c caller, r wire.FireRequest) engine.Event {
		return engine.Fire{Request: loop.RequestID(r.Request), Caller: c.engine(), TaskID: r.TaskID, Arguments: r.Arguments, ByHand: r.ByHand, Now: r.Now}
	})
	return &pb.FireResponse{Number: a.Number}, err
}

// Raise raises an event.
func (s *service) Raise(ctx context.Context, m *pb.RaiseRequest) (*pb.RaiseResponse, error) {
	a, err := change(ctx, s, m, wire.RaiseRequestFrom, func(c caller, r wire.RaiseRequest) engine.Event {
		return engine.Raise{Request: loop.RequestID(r.Request), Caller: c.engine(), EventID: r.EventID, Payload: r.Payload}
	})
	return &pb.RaiseResponse{Tasks: a.Tasks}, err
}

// Cancel cancels a live run.
func (s *service) Cancel(ctx context.Context, m *pb.CancelRequest) (*pb.CancelResponse, error) {
	_, err := change(ctx, s, m, wire.CancelRequestFrom, func(c caller, r wire.CancelRequest) engine.Event {
		return engine.Cancel{Request: loop.RequestID(r.Request), Caller: c.engine(), TaskID: r.TaskID, Reason: r.Reason, Kill: r.Kill}
	})
	return &pb.CancelResponse{}, err
}

// resume is a decoded ResumeRequest.
type resume struct{ request, id task.GUID }

func resumeFrom(m *pb.ResumeRequest) (r resume, err error) {
	if r.request, err = wire.RequestIDFrom(m.GetRequestId()); err != nil {
		return r, err
	}
	r.id, err = wire.GUIDFrom("task_id", m.GetTaskId())
	return r, err
}

// Resume ends a suspension or a back-off.
func (s *service) Resume(ctx context.Context, m *pb.ResumeRequest) (*pb.ResumeResponse, error) {
	_, err := change(ctx, s, m, resumeFrom, func(c caller, r resume) engine.Event {
		return engine.Resume{Request: loop.RequestID(r.request), Caller: c.engine(), TaskID: r.id}
	})
	return &pb.ResumeResponse{}, err
}
