package bgtasktest

import (
	"context"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// server is a class server that the machine launched.
type server struct {
	*seat
	stop context.CancelFunc
}

// launch starts a class server: a goroutine that serves as a launched process would.
func (m *Machine) launch(token task.LaunchToken) {
	s := &server{seat: &seat{Machine: m, process: m.newProcess(), token: token}}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	m.servers[token] = s
	m.queue = append(m.queue, engine.ServerStarted{Token: token, Process: s.process})
	m.running.Go(func() {
		defer stop()
		err := (&bgtask.Server{Classes: m.classes, Client: m.newClient(s.seat)}).Serve(ctx)
		m.exited(s, exitOf(err))
	})
}

// exited reports to the engine that a server has ended, after reading its stream to the
// end.
func (m *Machine) exited(s *server, exit engine.Exit) {
	m.mu.Lock()
	if s.dead {
		m.mu.Unlock()
		return
	}
	s.dead = true
	delete(m.servers, s.token)
	l := m.hosts[s.process]
	m.mu.Unlock()
	if l != nil {
		l.far.Close(errClosed)
		<-l.read
	}
	m.step(engine.Exited{Process: s.process, Token: s.token, Exit: exit})
	m.step(engine.TreeEnded{Token: s.token})
}

// kill ends a server as SIGKILL would. Goroutines cannot be killed, so their contexts
// end, and what they report is ignored.
func (m *Machine) kill(s *server) {
	m.exited(s, engine.Exit{Known: true, Status: "signal: killed"})
	s.stop()
}

// line is the broker's end of a host's stream.
type line struct {
	far  *client.Far
	out  chan wire.BrokerFrame
	read chan struct{} // closed when it was read to the end and the engine has been informed
}

// outbox is more frames than a broker has to send at one time in a test.
const outbox = 1024

// Attach opens the stream of a process.
func (s *seat) Attach(ctx context.Context, _ bool) (client.Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.dead {
		return nil, errClosed
	}
	near, far := client.Pipe(ctx)
	l := &line{far: far, out: make(chan wire.BrokerFrame, outbox), read: make(chan struct{})}
	s.running.Go(func() { s.listen(l) })
	s.running.Go(l.talk)
	return near, nil
}

// talk sends the queued frames until the stream has ended.
func (l *line) talk() {
	for {
		select {
		case f := <-l.out:
			_, last := f.(wire.Drop)
			if l.far.Send(f) != nil || last {
				l.far.Close(errClosed)
				return
			}
		case <-l.read:
			return
		}
	}
}

func (m *Machine) send(host task.Process, f wire.BrokerFrame) {
	l := m.hosts[host]
	if l == nil {
		return // the stream was lost, which listen reports to the engine
	}
	select {
	case l.out <- f:
	default:
		m.t.Errorf("bgtasktest: %v does not read its stream", host)
	}
}

// listen gives the engine what a host reports.
func (s *seat) listen(l *line) {
	defer close(l.read)
	defer l.far.Close(bgtask.ErrUnavailable)
	frame, err := l.far.Recv()
	hello, ok := frame.(wire.Hello)
	if err != nil || !ok {
		return
	}
	s.greet(l, hello)
	for {
		frame, err := l.far.Recv()
		if err != nil {
			break
		}
		s.step(s.eventOf(frame))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hosts[s.process] == l {
		delete(s.hosts, s.process)
		s.queue = append(s.queue, engine.StreamLost{Host: s.process})
		s.drain()
	}
}

func (s *seat) greet(l *line, hello wire.Hello) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hosts[s.process] = l
	l.out <- wire.Welcome{Package: family, Folder: s.folder, Launched: !s.token.IsZero()}
	s.queue = append(s.queue, engine.Attached{
		Host: s.process, Package: family, Token: s.token, Active: true, Objects: hello.Objects, Instances: hello.Instances,
	})
	s.drain()
}

// eventOf returns the engine's event for a frame.
func (s *seat) eventOf(frame wire.HostFrame) engine.Event {
	switch f := frame.(type) {
	case wire.ObjectsChanged:
		return engine.ObjectsChanged{Host: s.process, Objects: f.Objects}
	case wire.Accepted:
		return engine.Accepted{Host: s.process, Instance: f.Instance}
	case wire.Refused:
		return engine.Refused{Host: s.process, Instance: f.Instance, Text: f.Text}
	case wire.Progress:
		return engine.Progressed{Host: s.process, Instance: f.Instance, Value: f.Value}
	case wire.Finished:
		return engine.Finished{Host: s.process, Instance: f.Instance, Result: f.Result}
	case wire.SaveCheckpoint:
		s.saving(f)
		return engine.SaveCheckpoint{Request: f.Request, Host: s.process, Instance: f.Instance, Data: f.Data}
	default: // Leave; a second Hello would be a bug in the SDK
		return engine.LeaveRequested{Host: s.process}
	}
}

// saving answers a checkpoint when the engine has stored it.
func (s *seat) saving(f wire.SaveCheckpoint) {
	s.await(f.Request, func(a engine.Answer) {
		s.send(s.process, wire.CheckpointSaved{Request: f.Request, Err: refusal("save checkpoint", a)})
	})
}
