package client

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// attach opens one stream and serves it until it has ended and was read to its end. It
// returns why the stream ended, and whether the broker had accepted the host.
func (h *Host) attach(ctx, live context.Context, start bool) (attached bool, err error) {
	live, cancel := context.WithCancel(live)
	defer cancel()
	stream, err := h.Broker.Attach(live, start)
	if err != nil {
		return false, &unopened{err}
	}
	h.mu.Lock()
	hello := h.state.hello(h.Token)
	h.mu.Unlock()
	if err := stream.Send(hello); err != nil && !errors.Is(err, io.EOF) { // EOF: Recv says why
		return false, err
	}
	gone := make(chan struct{})
	var sender sync.WaitGroup
	sender.Go(func() {
		if h.send(ctx, stream, gone) {
			hangUp(stream, gone, cancel)
		}
	})
	attached, err = h.receive(stream)
	close(gone)
	cancel() // ends a send that is blocked
	sender.Wait()
	return attached, err
}

// hangUp closes this side of the stream. The broker then ends it.
func hangUp(stream Stream, gone <-chan struct{}, cancel func()) {
	_ = stream.CloseSend()
	timer := time.NewTimer(hangUpWithin)
	defer timer.Stop()
	select {
	case <-gone:
	case <-timer.C:
		cancel()
	}
}

const hangUpWithin = 2 * time.Second

// send sends what must be sent until the stream is gone, or until the host is done;
// then it returns true.
func (h *Host) send(ctx context.Context, stream Stream, gone <-chan struct{}) bool {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		h.mu.Lock()
		frame, wait := h.state.next(time.Now())
		h.mu.Unlock()
		if frame != nil {
			if stream.Send(frame) != nil {
				return false // Recv says why
			}
			continue
		}
		if h.done(ctx) {
			return true
		}
		timer.Stop()
		if wait > 0 {
			timer.Reset(wait)
		}
		select {
		case <-h.wake:
		case <-timer.C:
		case <-gone:
			return false
		}
	}
}

// receive does what the broker asks until the stream ends.
func (h *Host) receive(stream Stream) (attached bool, err error) {
	for {
		frame, err := stream.Recv()
		if err != nil {
			return attached, err
		}
		if _, ok := frame.(wire.Welcome); ok {
			attached = true
		}
		if err := h.handle(frame); err != nil {
			return attached, err
		}
	}
}

func (h *Host) handle(frame wire.BrokerFrame) error {
	switch f := frame.(type) {
	case wire.Activate:
		h.activate(f.Activation)
	case wire.CancelRun:
		h.Handler.Cancel(f.Instance, f.Reason)
	case wire.Acknowledge:
		h.change(func(s *hostState) { s.acknowledge(f.Instance) })
	case wire.CheckpointSaved:
		h.change(func(s *hostState) { s.saved(f) })
	case wire.LeaveConfirmed:
		h.change(func(s *hostState) { s.left(true) })
		return errLeft
	case wire.Stay:
		h.change(func(s *hostState) { s.left(false) })
	case wire.Drop:
		return &dropped{text: f.Text, stopping: f.Stopping}
	}
	return nil
}

// activate enters Run once for each instance. An instance that is already known was
// reported on a lost stream, and is reported again.
func (h *Host) activate(a task.Activation) {
	known := false
	h.change(func(s *hostState) {
		if i := s.find(a.Instance); i != nil {
			i.accepted, i.resultSent, known = false, false, true
		}
	})
	if known {
		return
	}
	// Held before it is entered: Run may finish before Activate returns.
	i := &instance{id: a.Instance, task: a.TaskID, entering: true, progressSent: true}
	h.change(func(s *hostState) { s.held = append(s.held, i) })
	err := h.Handler.Activate(a)
	h.change(func(s *hostState) {
		i.entering = false
		if err != nil {
			s.refuse(a.Instance, err)
		}
	})
}

func (s *hostState) refuse(id task.GUID, err error) {
	for n, i := range s.held {
		if i.id == id {
			s.held = append(s.held[:n:n], s.held[n+1:]...)
		}
	}
	s.refused = append(s.refused, wire.Refused{Instance: id, Text: wire.Clip(err.Error())})
}
