//go:build linux

package broker

import (
	"context"
	"fmt"
	"reflect"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"

	"github.com/bgtask/bgtask/internal/broker/systemd"
	"github.com/bgtask/bgtask/internal/calendar"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// service is the protocol: it takes requests apart, hands them to the loop, and
// puts answers together. Its errors become statuses in the interceptors.
type service struct {
	pb.UnimplementedBrokerServiceServer
	pb.UnimplementedHostServiceServer
	broker *broker
}

var (
	_ pb.BrokerServiceServer = (*service)(nil)
	_ pb.HostServiceServer   = (*service)(nil)
)

// newServer makes the gRPC server of one user.
func newServer(b *broker, uid int) *grpc.Server {
	options := append(wire.ServerOptions(uid),
		grpc.StatsHandler(connections{}),
		grpc.WaitForHandlers(true),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (resp any, err error) {
			defer b.guard(&err)
			return handle(ctx, req)
		}),
		grpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
			defer b.guard(&err)
			return handle(srv, stream)
		}),
	)
	server := grpc.NewServer(options...)
	s := &service{broker: b}
	pb.RegisterBrokerServiceServer(server, s)
	pb.RegisterHostServiceServer(server, s)
	return server
}

// guard makes a status of an error, and of a panic: one bad call must not end
// the broker for all others. No handler touches the engine, so it is not harmed.
func (b *broker) guard(err *error) {
	if p := recover(); p != nil {
		b.log.Error("a call made the broker panic: this is a defect of bgtask", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		*err = &task.Error{Err: task.ErrInternal, Detail: "a defect of bgtask", Hint: "please report this; the broker's log has the details"}
	}
	*err = wire.Status(*err)
}

// Register makes a registration.
func (s *service) Register(ctx context.Context, m *pb.RegisterRequest) (*pb.RegisterResponse, error) {
	b := s.broker
	r, err := wire.RegisterRequestFrom(m)
	if err != nil {
		return nil, err
	}
	w, err := b.who(ctx)
	if err != nil {
		return nil, err
	}
	zone, err := zoneOf(r.Spec)
	if err != nil {
		return nil, err
	}
	if err := b.imply(ctx, w); err != nil {
		return nil, err
	}
	ev := engine.Register{Request: requestID(r.Request), Caller: w.caller(), Package: w.family, Spec: r.Spec, Ensure: r.Ensure, Unique: r.Unique, Zone: zone}
	if r.Package != "" {
		ev.Package = r.Package
	}
	if err := b.checkTrigger(ctx, ev); err != nil {
		return nil, err
	}
	a, err := b.ask(ctx, ev)
	if err != nil {
		return nil, err
	}
	return wire.RegisteredTo(wire.Registered{
		TaskID: a.TaskID, Change: wire.Change(a.Change), Warnings: append(a.Warnings, systemd.StartWarnings()...), Replaced: a.Replaced,
	}), nil
}

// checkTrigger asks the trigger's watcher whether it could be watched, unless it
// is the trigger of an equal registration, which is watched.
func (b *broker) checkTrigger(ctx context.Context, ev engine.Register) error {
	err := b.watches.check(ev.Spec.Trigger)
	if err == nil || !ev.Ensure {
		return err
	}
	same := false
	failed := b.query(ctx, func(now engine.Instant) {
		for _, t := range b.engine.Tasks(now, engine.Filter{Package: ev.Package, All: true}) {
			same = same || t.Spec.Name == ev.Spec.Name && t.Spec.Group == ev.Spec.Group && reflect.DeepEqual(t.Spec.Trigger, ev.Spec.Trigger)
		}
	})
	if failed == nil && same {
		return nil
	}
	return err
}

// zoneOf loads the zone that a calendar names; nil is the machine's.
func zoneOf(spec task.Spec) (*time.Location, error) {
	name := zoneName(spec.Trigger)
	if name == "" {
		return nil, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, &task.Error{Subject: spec.Name, Err: task.ErrInvalid, Detail: fmt.Sprintf("there is no time zone %q on this machine", name),
			Hint: "a zone is named as in Europe/Berlin"}
	}
	return zone, nil
}

// zoneName is the zone that a calendar trigger names, or "".
func zoneName(t task.Trigger) string {
	c, ok := t.(task.CalendarTrigger)
	if !ok {
		return ""
	}
	if c.Zone != "" {
		return c.Zone
	}
	if schedule, err := calendar.Parse(c.Expr); err == nil {
		return schedule.Zone()
	}
	return "" // the engine says what is wrong with it
}

// Unregister removes a registration.
func (s *service) Unregister(ctx context.Context, m *pb.UnregisterRequest) (*pb.UnregisterResponse, error) {
	r, err := wire.UnregisterRequestFrom(m)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, func(w who) engine.Event {
		return engine.Unregister{Request: requestID(r.Request), Caller: w.caller(), TaskID: r.TaskID, Cancel: r.Cancel}
	})
	return &pb.UnregisterResponse{}, err
}

// change asks the engine for something in the caller's name.
func (s *service) change(ctx context.Context, event func(who) engine.Event) (engine.Answer, error) {
	w, err := s.broker.who(ctx)
	if err != nil {
		return engine.Answer{}, err
	}
	return s.broker.ask(ctx, event(w))
}

// Fire fires a registration.
func (s *service) Fire(ctx context.Context, m *pb.FireRequest) (*pb.FireResponse, error) {
	r, err := wire.FireRequestFrom(m)
	if err != nil {
		return nil, err
	}
	a, err := s.change(ctx, func(w who) engine.Event {
		return engine.Fire{Request: requestID(r.Request), Caller: w.caller(), TaskID: r.TaskID, Arguments: r.Arguments, ByHand: r.ByHand, Now: r.Now}
	})
	return &pb.FireResponse{Number: a.Number}, err
}

// Raise raises an event.
func (s *service) Raise(ctx context.Context, m *pb.RaiseRequest) (*pb.RaiseResponse, error) {
	r, err := wire.RaiseRequestFrom(m)
	if err != nil {
		return nil, err
	}
	a, err := s.change(ctx, func(w who) engine.Event {
		return engine.Raise{Request: requestID(r.Request), Caller: w.caller(), EventID: r.EventID, Payload: r.Payload}
	})
	return &pb.RaiseResponse{Tasks: a.Tasks}, err
}

// Cancel cancels a live run.
func (s *service) Cancel(ctx context.Context, m *pb.CancelRequest) (*pb.CancelResponse, error) {
	r, err := wire.CancelRequestFrom(m)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, func(w who) engine.Event {
		return engine.Cancel{Request: requestID(r.Request), Caller: w.caller(), TaskID: r.TaskID, Reason: r.Reason, Kill: r.Kill}
	})
	return &pb.CancelResponse{}, err
}

// Resume ends a suspension or a back-off.
func (s *service) Resume(ctx context.Context, m *pb.ResumeRequest) (*pb.ResumeResponse, error) {
	request, err := wire.RequestIDFrom(m.GetRequestId())
	if err != nil {
		return nil, err
	}
	id, err := wire.GUIDFrom("task_id", m.GetTaskId())
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, func(w who) engine.Event {
		return engine.Resume{Request: requestID(request), Caller: w.caller(), TaskID: id}
	})
	return &pb.ResumeResponse{}, err
}

// RequestAccess asks whether the caller's tasks may run.
func (s *service) RequestAccess(ctx context.Context, m *pb.RequestAccessRequest) (*pb.RequestAccessResponse, error) {
	request, err := wire.RequestIDFrom(m.GetRequestId())
	if err != nil {
		return nil, err
	}
	w, err := s.broker.who(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.broker.imply(ctx, w); err != nil {
		return nil, err
	}
	a, err := s.broker.ask(ctx, engine.RequestAccess{Request: requestID(request), Caller: engine.Caller{Package: w.family}})
	return &pb.RequestAccessResponse{Access: wire.AccessTo(a.Access)}, err
}

// GetLocalFolder names the folder of the caller's data.
func (s *service) GetLocalFolder(ctx context.Context, _ *pb.GetLocalFolderRequest) (*pb.GetLocalFolderResponse, error) {
	w, err := s.broker.who(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.broker.imply(ctx, w); err != nil {
		return nil, err
	}
	folder, err := s.broker.makeLocalFolder(w.family)
	return &pb.GetLocalFolderResponse{Path: folder, Package: w.family}, err
}
