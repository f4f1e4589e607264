//go:build linux

package broker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bgtask/bgtask/internal/broker/systemd"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

type hostStream = grpc.BidiStreamingServer[pb.AttachRequest, pb.AttachResponse]

// Attach serves one host: its frames become events, what the loop puts into its
// outbox becomes frames. gRPC ends a stream when its handler returns, so reading
// and writing are goroutines of their own and the handler waits for either end.
func (s *service) Attach(stream hostStream) error {
	b, ctx := s.broker, stream.Context()
	w, err := b.hostIdentity(ctx)
	if err != nil {
		return err
	}
	r := &hostReader{broker: b, stream: stream, hello: make(chan hello, 1), admitted: make(chan *attachment, 1)}
	b.background.Go(r.run)
	defer close(r.admitted)
	h, err := r.awaitHello(ctx)
	if err != nil {
		return err
	}
	a, err := b.admit(ctx, w, h)
	if err != nil {
		return err
	}
	r.admitted <- a
	return b.serveHost(a, stream)
}

// hostIdentity is who, for a process that wants activations.
func (b *broker) hostIdentity(ctx context.Context) (who, error) {
	w, err := b.who(ctx)
	if err != nil {
		return w, err
	}
	denied := func(detail, hint string) (who, error) {
		return w, &task.Error{Subject: w.exe, Err: task.ErrAccessDenied, Detail: detail, Hint: hint}
	}
	if w.process.IsZero() {
		return denied("the broker cannot see your process, so it gives it no activation", "run it in the broker's pid namespace")
	}
	switch launched := b.processes.packageOf(w.token); {
	case w.token.IsZero():
	case launched == "":
		return denied("it belongs to a launch that was given up", "")
	case launched == task.CommandPackage && !b.processes.leads(w.process, w.token):
		w.token = task.LaunchToken{} // a program that a command started
	default:
		w.user, w.family, w.implied, w.verified = false, launched, false, true
	}
	if w.user {
		return denied("the command line serves no classes", "")
	}
	return w, nil
}

// admit makes a host known, with its welcome first in its outbox and the launch
// that it belongs to told before it.
func (b *broker) admit(ctx context.Context, w who, h wire.Hello) (*attachment, error) {
	if err := b.imply(ctx, w); err != nil {
		return nil, err
	}
	if err := b.processes.settled(ctx, w.token); err != nil {
		return nil, err
	}
	a, err := b.hosts.attach(ctx, w.process)
	if err != nil {
		return nil, err
	}
	if peer, ok := wire.PeerFrom(ctx); ok {
		peer.BeforeEnd(a.lastWords)
	}
	a.send(wire.Welcome{Package: w.family, Folder: b.localFolder(w.family), Launched: !w.token.IsZero()})
	ev := engine.Attached{
		Host: w.process, Package: w.family, Token: w.token, Active: systemd.InActiveSession(w.process.PID), Home: w.home,
		Objects: h.Objects, Instances: h.Instances,
	}
	if err := b.inbox.put(ctx, item{event: ev}); err != nil {
		b.hosts.detach(a)
		return nil, err
	}
	b.processes.watch(w.process)
	b.log.Info("host attached", "pid", w.process.PID, "package", w.family, "verified", w.verified, "launch", w.token, "classes", len(h.Objects))
	return a, nil
}

// serveHost returns when the stream has ended or has to.
func (b *broker) serveHost(a *attachment, stream hostStream) error {
	written := make(chan struct{})
	b.background.Go(func() {
		defer close(written)
		a.write(stream)
	})
	select {
	case <-a.ended:
	case <-b.life.Done():
		a.end(errOver)
	}
	select {
	case <-written:
	case <-time.After(goodbyeWithin):
		a.deaf.Store(true)
	}
	if peer, ok := wire.PeerFrom(stream.Context()); ok && a.deaf.Load() {
		peer.Disconnect() // it does not read, so it cannot be told
	}
	b.log.Info("host detached", "pid", a.host.PID, "why", fmt.Sprint(a.why))
	return a.why
}

// write sends what is in the outbox; a Drop is the last frame.
func (a *attachment) write(stream hostStream) {
	for {
		select {
		case frame := <-a.outbox:
			if err := stream.Send(wire.BrokerFrameTo(frame)); err != nil {
				a.end(nil) // the peer is gone; the reader tells
				return
			}
			if _, last := frame.(wire.Drop); last {
				a.end(nil)
				return
			}
		case <-a.ended:
			return
		}
	}
}

// hostReader reads a host's stream to its end.
type hostReader struct {
	broker   *broker
	stream   hostStream
	hello    chan hello
	admitted chan *attachment // closed without one when the host was refused
}

type hello struct {
	frame wire.Hello
	err   error
}

// awaitHello does not wait for ever: a peer may say nothing.
func (r *hostReader) awaitHello(ctx context.Context) (wire.Hello, error) {
	patience := time.NewTimer(helloWithin)
	defer patience.Stop()
	select {
	case h := <-r.hello:
		return h.frame, h.err
	case <-patience.C:
		return wire.Hello{}, &task.Error{Err: task.ErrInvalid, Detail: "a host says hello first, and this one says nothing"}
	case <-ctx.Done():
		return wire.Hello{}, context.Cause(ctx)
	}
}

func (r *hostReader) run() {
	frame, err := r.recv()
	h, ok := frame.(wire.Hello)
	if err == nil && !ok {
		err = &task.Error{Err: task.ErrInvalid, Detail: "a host says hello first"}
	}
	r.hello <- hello{h, err}
	a, ok := <-r.admitted
	if !ok {
		return
	}
	a.end(r.read(a))
	b := r.broker
	b.inbox.put(b.life, item{event: engine.StreamLost{Host: a.host}})
	b.hosts.detach(a)
}

func (r *hostReader) recv() (wire.HostFrame, error) {
	m, err := r.stream.Recv()
	if err != nil {
		return nil, err
	}
	return wire.HostFrameFrom(m)
}

// read hands each frame to the engine, and says what the peer did wrong, if anything.
func (r *hostReader) read(a *attachment) error {
	b := r.broker
	turn := make(window, peerWindow)
	for {
		a.reading.Add(1)
		frame, err := r.recv()
		a.reading.Add(1)
		if err != nil {
			return peerFault(err)
		}
		ev, err := b.hostEvent(a, frame)
		if err != nil {
			return err
		}
		if err := b.putWithin(turn, ev); err != nil {
			return err
		}
	}
}

// window is how much of one peer may wait for the loop: no peer fills the inbox, so
// that others are refused.
type window chan struct{}

// putWithin queues an event of a peer when it is its turn.
func (b *broker) putWithin(w window, ev engine.Event) error {
	select {
	case w <- struct{}{}:
	case <-b.life.Done():
		return errOver
	}
	if err := b.inbox.put(b.life, item{event: ev, taken: func() { <-w }}); err != nil {
		return errOver
	}
	return nil
}

// peerFault is what the peer did wrong: nothing, when it or its stream just ended.
func peerFault(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	if code := status.Code(err); code == codes.Canceled || code == codes.DeadlineExceeded || code == codes.Unavailable {
		return nil
	}
	return err
}

// hostEvent is what a frame means for the engine.
func (b *broker) hostEvent(a *attachment, frame wire.HostFrame) (engine.Event, error) {
	switch f := frame.(type) {
	case wire.ObjectsChanged:
		return engine.ObjectsChanged{Host: a.host, Objects: f.Objects}, nil
	case wire.Accepted:
		return engine.Accepted{Host: a.host, Instance: f.Instance}, nil
	case wire.Refused:
		return engine.Refused{Host: a.host, Instance: f.Instance, Text: f.Text}, nil
	case wire.Progress:
		return engine.Progressed{Host: a.host, Instance: f.Instance, Value: f.Value}, nil
	case wire.Finished:
		return engine.Finished{Host: a.host, Instance: f.Instance, Result: f.Result}, nil
	case wire.Leave:
		return engine.LeaveRequested{Host: a.host}, nil
	case wire.SaveCheckpoint:
		b.requests.await(f.Request, func(answer engine.Answer) {
			a.send(wire.CheckpointSaved{Request: f.Request, Err: answer.Err()})
		})
		return engine.SaveCheckpoint{Request: f.Request, Host: a.host, Instance: f.Instance, Data: f.Data}, nil
	}
	return nil, &task.Error{Err: task.ErrInvalid, Detail: "a host says hello only once"}
}
