package client

import (
	"context"
	"crypto/rand"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// newRequest makes an id under which a change may be requested more than once.
func newRequest() task.GUID {
	var id task.GUID
	rand.Read(id[:])          // never fails
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80 // variant 1
	return id
}

func requestID() string { return newRequest().String() }

// Register registers spec.
func (c *Client) Register(ctx context.Context, spec task.Spec, how Registering) (wire.Registered, error) {
	m := &pb.RegisterRequest{RequestId: requestID(), Spec: wire.SpecTo(spec), Ensure: how.Ensure, Unique: how.Unique, Package: how.Package}
	r, err := call(ctx, c, "register", func(l *link) (*pb.RegisterResponse, error) { return l.broker.Register(ctx, m) })
	if err != nil {
		return wire.Registered{}, err
	}
	return wire.RegisteredFrom(r)
}

// Unregister removes a registration; cancel also cancels its live run.
func (c *Client) Unregister(ctx context.Context, id task.GUID, cancel bool) error {
	m := &pb.UnregisterRequest{RequestId: requestID(), TaskId: id.String(), CancelTask: cancel}
	_, err := call(ctx, c, "unregister", func(l *link) (*pb.UnregisterResponse, error) { return l.broker.Unregister(ctx, m) })
	return err
}

// Fire fires a registration and returns the occurrence's number.
func (c *Client) Fire(ctx context.Context, id task.GUID, how Firing) (uint64, error) {
	m := &pb.FireRequest{RequestId: requestID(), TaskId: id.String(), Arguments: how.Arguments, ByHand: how.ByHand, Now: how.Now}
	r, err := call(ctx, c, "fire", func(l *link) (*pb.FireResponse, error) { return l.broker.Fire(ctx, m) })
	return r.GetNumber(), err
}

// Raise raises an event and returns the tasks that took it, as PACKAGE/NAME.
func (c *Client) Raise(ctx context.Context, eventID string, payload []byte) ([]string, error) {
	m := &pb.RaiseRequest{RequestId: requestID(), EventId: eventID, Payload: payload}
	r, err := call(ctx, c, "raise", func(l *link) (*pb.RaiseResponse, error) { return l.broker.Raise(ctx, m) })
	return r.GetTasks(), err
}

// Cancel cancels the live run. With kill, the process is ended even if the user started
// it.
func (c *Client) Cancel(ctx context.Context, id task.GUID, reason task.CancellationReason, kill bool) error {
	m := &pb.CancelRequest{RequestId: requestID(), TaskId: id.String(), Reason: wire.ReasonTo(reason), Kill: kill}
	_, err := call(ctx, c, "cancel", func(l *link) (*pb.CancelResponse, error) { return l.broker.Cancel(ctx, m) })
	return err
}

// Resume ends a suspension or a back-off.
func (c *Client) Resume(ctx context.Context, id task.GUID) error {
	m := &pb.ResumeRequest{RequestId: requestID(), TaskId: id.String()}
	_, err := call(ctx, c, "resume", func(l *link) (*pb.ResumeResponse, error) { return l.broker.Resume(ctx, m) })
	return err
}

// RequestAccess asks whether the caller's tasks may run.
func (c *Client) RequestAccess(ctx context.Context) (task.AccessStatus, error) {
	m := &pb.RequestAccessRequest{RequestId: requestID()}
	r, err := call(ctx, c, "request access", func(l *link) (*pb.RequestAccessResponse, error) { return l.broker.RequestAccess(ctx, m) })
	if err != nil {
		return task.AccessUnspecified, err
	}
	return wire.AccessFrom(r.GetAccess())
}

// SetAccess sets the access status of a package, on behalf of the user.
func (c *Client) SetAccess(ctx context.Context, family string, access task.AccessStatus) error {
	m := &pb.SetAccessRequest{RequestId: requestID(), Package: family, Access: wire.AccessTo(access)}
	_, err := call(ctx, c, "set access", func(l *link) (*pb.SetAccessResponse, error) { return l.broker.SetAccess(ctx, m) })
	return err
}

// Installing holds the options of Install.
type Installing struct {
	Unsigned  bool // accept a package file that is not signed
	Downgrade bool // accept a version that is older than the installed one
}

// Install installs or updates the package in a folder or file. The path must be
// absolute.
func (c *Client) Install(ctx context.Context, path string, how Installing) (wire.Installed, error) {
	m := &pb.InstallPackageRequest{RequestId: requestID(), Path: path, AllowUnsigned: how.Unsigned, AllowDowngrade: how.Downgrade}
	r, err := call(ctx, c, "install", func(l *link) (*pb.InstallPackageResponse, error) { return l.broker.InstallPackage(ctx, m) })
	if err != nil {
		return wire.Installed{}, err
	}
	return wire.InstalledFrom(r)
}

// Uninstall removes a package.
func (c *Client) Uninstall(ctx context.Context, family string, keepData bool) error {
	m := &pb.UninstallPackageRequest{RequestId: requestID(), Package: family, KeepData: keepData}
	_, err := call(ctx, c, "uninstall", func(l *link) (*pb.UninstallPackageResponse, error) { return l.broker.UninstallPackage(ctx, m) })
	return err
}

// OverrideFact sets a fact for testing, until the broker ends or, if lasts is not 0,
// for that time.
func (c *Client) OverrideFact(ctx context.Context, name string, value task.Value, lasts time.Duration) error {
	m := &pb.OverrideFactRequest{RequestId: requestID(), Name: name, Value: string(value), For: duration(lasts)}
	_, err := call(ctx, c, "override fact", func(l *link) (*pb.OverrideFactResponse, error) { return l.broker.OverrideFact(ctx, m) })
	return err
}

// ClearOverride ends one override, or all if name is empty.
func (c *Client) ClearOverride(ctx context.Context, name string) error {
	m := &pb.ClearOverrideRequest{RequestId: requestID(), Name: name}
	_, err := call(ctx, c, "clear override", func(l *link) (*pb.ClearOverrideResponse, error) { return l.broker.ClearOverride(ctx, m) })
	return err
}

// Stop cancels all runs, waits for them for at most within (zero means the cancel
// grace), and ends the broker. It does not start one.
func (c *Client) Stop(ctx context.Context, within time.Duration) error {
	m := &pb.StopRequest{RequestId: requestID(), Within: duration(within)}
	_, err := callFrom(ctx, c, "stop", false, func(l *link) (*pb.StopResponse, error) { return l.broker.Stop(ctx, m) })
	return err
}

// ReportFacts lets an external source report facts. It sends what reports yields, and
// returns when reports ends, when ctx ends or when the broker refuses. The facts then
// become unknown. Names of facts have the source's prefix, "source/fact".
func (c *Client) ReportFacts(ctx context.Context, source string, reports iter.Seq[[]task.Fact]) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first := &pb.ReportFactsRequest{Source: source}
	stream, err := call(ctx, c, "report facts", func(l *link) (pb.BrokerService_ReportFactsClient, error) {
		stream, err := l.broker.ReportFacts(ctx)
		if err != nil {
			return nil, err
		}
		return stream, stream.Send(first)
	})
	if err != nil {
		return err
	}
	for facts := range reports {
		m := &pb.ReportFactsRequest{}
		for _, f := range facts {
			m.Facts = append(m.Facts, wire.FactTo(f))
		}
		if stream.Send(m) != nil { // the answer says why
			break
		}
	}
	_, err = stream.CloseAndRecv()
	return wire.Error("report facts", err)
}

func duration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}
