package client

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// desk is the broker's end of hosts' streams, for tests.
type desk struct {
	Broker
	attach func(start bool) (Stream, error)

	mu     sync.Mutex
	gone   bool
	starts []bool // what each attach was allowed
}

func (d *desk) Attach(_ context.Context, start bool) (Stream, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.starts = append(d.starts, start); d.gone {
		return nil, task.ErrUnavailable
	}
	return d.attach(start)
}

// close stops hosts from attaching.
func (d *desk) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone, d.starts = true, nil
}

func (d *desk) allowed() []bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.starts
}

// line is a stream in memory.
type line struct {
	ctx  context.Context
	up   chan wire.HostFrame
	down chan wire.BrokerFrame
	end  chan error // the broker ends the stream
}

func (l *line) Send(f wire.HostFrame) error {
	select {
	case l.up <- f:
		return nil
	case <-l.ctx.Done():
		return io.EOF
	}
}

func (l *line) Recv() (wire.BrokerFrame, error) {
	select {
	case f := <-l.down:
		return f, nil
	default:
	}
	select {
	case f := <-l.down:
		return f, nil
	case err := <-l.end:
		return nil, err
	case <-l.ctx.Done():
		return nil, context.Canceled
	}
}

func (l *line) CloseSend() error { close(l.up); return nil }

// stage is a host and its broker in a bubble.
type stage struct {
	t        *testing.T
	desk     *desk
	host     *Host
	lines    chan *line
	line     *line
	stop     context.CancelFunc
	ended    chan error
	entered  []task.Activation
	canceled []task.CancellationReason
	refuse   error
}

func (s *stage) Activate(a task.Activation) error {
	s.entered = append(s.entered, a)
	return s.refuse
}

func (s *stage) Cancel(_ task.GUID, reason task.CancellationReason) {
	s.canceled = append(s.canceled, reason)
}

var object = task.Object{CLSID: task.GUID{0xc}}

func newStage(t *testing.T, token task.LaunchToken) *stage {
	s := &stage{t: t, lines: make(chan *line, 1), ended: make(chan error, 1)}
	s.desk = &desk{attach: func(bool) (Stream, error) {
		l := &line{ctx: t.Context(), up: make(chan wire.HostFrame, 64), down: make(chan wire.BrokerFrame, 64), end: make(chan error, 1)}
		s.lines <- l
		return l, nil
	}}
	s.host = &Host{Broker: s.desk, Handler: s, Token: token}
	s.host.SetObjects(object)
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	go func() { s.ended <- s.host.Run(ctx) }()
	return s
}

// attached waits for the host's next stream and its hello.
func (s *stage) attached() wire.Hello {
	s.t.Helper()
	s.line = <-s.lines
	hello, ok := (<-s.line.up).(wire.Hello)
	if !ok {
		s.t.Fatal("the host did not send hello first")
	}
	s.line.down <- wire.Welcome{}
	synctest.Wait()
	return hello
}

func (s *stage) says(f wire.BrokerFrame) { s.line.down <- f; synctest.Wait() }

// lose ends the stream as if the broker were gone.
func (s *stage) lose() { s.line.end <- task.ErrUnavailable; synctest.Wait() }

// heard returns what the host has sent since the last call.
func (s *stage) heard() []wire.HostFrame {
	synctest.Wait()
	var all []wire.HostFrame
	for {
		select {
		case f, ok := <-s.line.up:
			if !ok {
				return append(all, nil) // it hung up
			}
			all = append(all, f)
		default:
			return all
		}
	}
}

func (s *stage) want(frames ...wire.HostFrame) {
	s.t.Helper()
	if diff := cmp.Diff(frames, s.heard()); diff != "" {
		s.t.Errorf("the host sent (-want +got):\n%s", diff)
	}
}

var (
	run1 = task.GUID{1}
	done = task.Result{Outcome: task.Completed}
)

func activate(id task.GUID) wire.Activate {
	return wire.Activate{Activation: task.Activation{Instance: id}}
}

// end lets the bubble end.
func (s *stage) end() {
	s.stop()
	s.says(wire.Acknowledge{Instance: run1})
	synctest.Wait()
	s.line.end <- io.EOF
	<-s.ended
}
