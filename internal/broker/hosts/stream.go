//go:build linux

package hosts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// Stream is the broker's end of an attach stream.
type Stream = grpc.BidiStreamingServer[pb.AttachRequest, pb.AttachResponse]

// Serve serves the stream of one host: its frames become events, and the frames that
// the loop puts into its outbox are sent. Admit is called with the host's hello, and
// returns its attachment or refuses it. Serve returns when either side has ended the
// stream. GRPC ends a stream when its handler returns, so reading and writing have their own
// goroutines.
func (h *Hosts) Serve(stream Stream, admit func(context.Context, wire.Hello) (*Attachment, error)) error {
	ctx := stream.Context()
	r := &reader{hosts: h, stream: stream, hello: make(chan hello, 1), admitted: make(chan *Attachment, 1)}
	h.background.Go(r.run)
	defer close(r.admitted)
	said, err := r.awaitHello(ctx)
	if err != nil {
		return err
	}
	a, err := admit(ctx, said)
	if err != nil {
		return err
	}
	r.admitted <- a
	return h.serve(a, stream)
}

// serve returns when the stream has ended or has to.
func (h *Hosts) serve(a *Attachment, stream Stream) error {
	written := make(chan struct{})
	h.background.Go(func() {
		defer close(written)
		a.write(stream)
	})
	select {
	case <-a.ended:
	case <-h.loop.Life().Done():
		a.end(loop.ErrOver)
	}
	select {
	case <-written:
	case <-time.After(goodbyeWithin):
		a.deaf.Store(true)
	}
	if peer, ok := wire.PeerFrom(stream.Context()); ok && a.deaf.Load() {
		peer.Disconnect() // it does not read, so no frame can end the stream
	}
	h.log.Info("host detached", "pid", a.host.PID, "why", fmt.Sprint(a.why))
	return a.why
}

// write sends the frames in the outbox; a Drop is the last one.
func (a *Attachment) write(stream Stream) {
	for {
		select {
		case frame := <-a.outbox:
			if err := stream.Send(wire.BrokerFrameTo(frame)); err != nil {
				a.end(nil) // the peer is gone; the reader reports it
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

// reader reads a host's stream to its end.
type reader struct {
	hosts    *Hosts
	stream   Stream
	hello    chan hello
	admitted chan *Attachment // closed without a value when the host was refused
}

type hello struct {
	frame wire.Hello
	err   error
}

// awaitHello waits for the first frame, but not forever: a peer may send nothing.
func (r *reader) awaitHello(ctx context.Context) (wire.Hello, error) {
	patience := time.NewTimer(helloWithin)
	defer patience.Stop()
	select {
	case h := <-r.hello:
		return h.frame, h.err
	case <-patience.C:
		return wire.Hello{}, &task.Error{Err: task.ErrInvalid, Detail: fmt.Sprintf("the host did not send a hello within %v", helloWithin)}
	case <-ctx.Done():
		return wire.Hello{}, context.Cause(ctx)
	}
}

func (r *reader) run() {
	frame, err := r.recv()
	h, ok := frame.(wire.Hello)
	if err == nil && !ok {
		err = &task.Error{Err: task.ErrInvalid, Detail: "the first frame of a host must be a hello"}
	}
	r.hello <- hello{h, err}
	a, ok := <-r.admitted
	if !ok {
		return
	}
	a.end(r.read(a))
	handle := r.hosts.loop
	_ = handle.Put(handle.Life(), engine.StreamLost{Host: a.host}) // it fails only when the broker is ending
	r.hosts.Detach(a)
}

func (r *reader) recv() (wire.HostFrame, error) {
	m, err := r.stream.Recv()
	if err != nil {
		return nil, err
	}
	return wire.HostFrameFrom(m)
}

// read hands each frame to the engine. It returns the peer's fault, or nil when the
// stream just ended.
func (r *reader) read(a *Attachment) error {
	turn := r.hosts.loop.NewWindow()
	for {
		a.reading.Add(1)
		frame, err := r.recv()
		a.reading.Add(1)
		if err != nil {
			return peerFault(err)
		}
		ev, err := r.event(a, frame)
		if err != nil {
			return err
		}
		if err := turn.Put(ev); err != nil {
			return err
		}
	}
}

// peerFault returns err unless it only says that the peer or its stream has ended.
func peerFault(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	if code := status.Code(err); code == codes.Canceled || code == codes.DeadlineExceeded || code == codes.Unavailable {
		return nil
	}
	return err
}

// event returns what a frame means for the engine.
func (r *reader) event(a *Attachment, frame wire.HostFrame) (engine.Event, error) {
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
		r.hosts.loop.Expect(f.Request, func(answer engine.Answer) {
			a.Send(wire.CheckpointSaved{Request: f.Request, Err: answer.Err()})
		})
		return engine.SaveCheckpoint{Request: f.Request, Host: a.host, Instance: f.Instance, Data: f.Data}, nil
	}
	return nil, &task.Error{Err: task.ErrInvalid, Detail: "a host sends only one hello"}
}
