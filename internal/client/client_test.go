package client

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// server is a broker for tests: each call does what its function says.
type server struct {
	pb.UnimplementedBrokerServiceServer
	fire  func(*pb.FireRequest) (*pb.FireResponse, error)
	watch func(*pb.WatchRequest, grpc.ServerStreamingServer[pb.WatchResponse]) error
	list  func(*pb.ListTasksRequest, grpc.ServerStreamingServer[pb.ListTasksResponse]) error
	facts func(grpc.ClientStreamingServer[pb.ReportFactsRequest, pb.ReportFactsResponse]) error
}

func (s *server) Fire(_ context.Context, m *pb.FireRequest) (*pb.FireResponse, error) {
	return s.fire(m)
}

func (s *server) Watch(m *pb.WatchRequest, w grpc.ServerStreamingServer[pb.WatchResponse]) error {
	return s.watch(m, w)
}

func (s *server) ListTasks(m *pb.ListTasksRequest, w grpc.ServerStreamingServer[pb.ListTasksResponse]) error {
	return s.list(m, w)
}

func (s *server) ReportFacts(r grpc.ClientStreamingServer[pb.ReportFactsRequest, pb.ReportFactsResponse]) error {
	return s.facts(r)
}

// run serves until stop is called or the test ends.
func (s *server) run(t *testing.T, socket string) (stop func()) {
	t.Helper()
	l, err := wire.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer(wire.ServerOptions(os.Getuid())...)
	pb.RegisterBrokerServiceServer(g, s)
	done := make(chan struct{})
	go func() { defer close(done); g.Serve(l) }()
	stop = sync.OnceFunc(func() { g.Stop(); <-done })
	t.Cleanup(stop)
	return stop
}

func newClient(t *testing.T) *Client {
	c := &Client{Socket: filepath.Join(t.TempDir(), "d", "s"), Start: NoStart}
	t.Cleanup(func() { c.Close() })
	return c
}

func fired(*pb.FireRequest) (*pb.FireResponse, error) { return &pb.FireResponse{Number: 7}, nil }

func TestNoBrokerAnswers(t *testing.T) {
	c := newClient(t)
	_, err := c.Fire(t.Context(), task.GUID{1}, Firing{})
	if want := "fire: the broker does not answer on " + c.Socket; !errors.Is(err, task.ErrUnavailable) || err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if task.Hint(err) == "" {
		t.Error("no hint")
	}
}

func TestBrokerIsStarted(t *testing.T) {
	c := newClient(t)
	starts := 0
	var stop func()
	c.Start = func(_ context.Context, socket string) error {
		starts++
		stop = (&server{fire: fired}).run(t, socket)
		return nil
	}
	for range 2 {
		if n, err := c.Fire(t.Context(), task.GUID{1}, Firing{}); err != nil || n != 7 {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	stop()
	if _, err := c.Fire(t.Context(), task.GUID{1}, Firing{}); err != nil {
		t.Fatalf("after the broker ended: %v", err)
	}
	if starts != 2 {
		t.Errorf("started %d times, want 2", starts)
	}
}

// Brokers that die one after another do not make a call fail.
func TestBrokersThatDie(t *testing.T) {
	c := newClient(t)
	starts := 0
	c.Start = func(_ context.Context, socket string) error {
		if starts++; starts > 1 {
			(&server{fire: fired}).run(t, socket)
			return nil
		}
		dies, dead := make(chan struct{}), make(chan struct{})
		die := sync.OnceFunc(func() { close(dies) })
		stop := (&server{fire: func(*pb.FireRequest) (*pb.FireResponse, error) {
			die()
			<-dead
			return nil, status.Error(codes.Unavailable, "the broker is gone")
		}}).run(t, socket)
		go func() {
			<-dies
			stop()
			close(dead)
		}()
		return nil
	}
	if n, err := c.Fire(t.Context(), task.GUID{1}, Firing{}); err != nil || n != 7 {
		t.Fatalf("got %d, %v after %d starts", n, err, starts)
	}
}

// A change whose answer was lost is requested again under the same id.
func TestLostAnswer(t *testing.T) {
	c := newClient(t)
	var ids []string
	(&server{fire: func(m *pb.FireRequest) (*pb.FireResponse, error) {
		if ids = append(ids, m.GetRequestId()); len(ids) == 1 {
			return nil, status.Error(codes.Unavailable, "the connection was lost")
		}
		return fired(m)
	}}).run(t, c.Socket)
	if _, err := c.Fire(t.Context(), task.GUID{1}, Firing{}); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 2 || ids[0] != ids[1] || ids[0] == "" {
		t.Errorf("requested under %q", ids)
	}
	if _, err := c.Fire(t.Context(), task.GUID{1}, Firing{}); err != nil {
		t.Fatal(err)
	}
	if ids[2] == ids[1] {
		t.Error("another change has the same id")
	}
}

// A change that the broker refuses is not requested again.
func TestRefusal(t *testing.T) {
	for _, want := range []error{task.ErrBusy, task.ErrCurrentlyRunning} {
		c := newClient(t)
		asked := 0
		(&server{fire: func(m *pb.FireRequest) (*pb.FireResponse, error) { asked++; return nil, wire.Status(want) }}).run(t, c.Socket)
		if _, err := c.Fire(t.Context(), task.GUID{1}, Firing{}); !errors.Is(err, want) || asked != 1 {
			t.Errorf("asked %d times, got %v", asked, err)
		}
	}
}

// The socket exists and the kernel refuses the connection: the error says what is wrong.
func TestDialFault(t *testing.T) {
	c := newClient(t)
	c.Socket = "/" + strings.Repeat("x", 200)
	_, err := c.Fire(t.Context(), task.GUID{1}, Firing{})
	if !errors.Is(err, task.ErrUnavailable) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("got %v", err)
	}
}

func TestLists(t *testing.T) {
	c := newClient(t)
	(&server{list: func(m *pb.ListTasksRequest, w grpc.ServerStreamingServer[pb.ListTasksResponse]) error {
		for _, group := range m.GetGroups() {
			w.Send(&pb.ListTasksResponse{Task: wire.InfoTo(task.Info{Package: group})})
		}
		return nil
	}}).run(t, c.Socket)
	for _, groups := range [][]string{nil, {"a", "b", "c"}} {
		all, err := c.Tasks(t.Context(), wire.TaskQuery{Groups: groups})
		if err != nil || len(all) != len(groups) {
			t.Errorf("%v: %v, %v", groups, all, err)
		}
	}
}

func event(seq uint64, kind task.EventKind) *pb.WatchResponse {
	return &pb.WatchResponse{Event: wire.EventTo(task.Event{Seq: seq, Kind: kind})}
}

// A watch that lost its broker, or was too slow, continues after the last event. It
// starts again if the snapshot was not complete.
func TestWatchComesBack(t *testing.T) {
	c := newClient(t)
	var cursors []string
	s := &server{}
	s.watch = func(m *pb.WatchRequest, w grpc.ServerStreamingServer[pb.WatchResponse]) error {
		cursors = append(cursors, m.GetCursor())
		switch len(cursors) {
		case 1:
			w.Send(event(3, task.EventSnapshot))
			return wire.Status(task.ErrUnavailable)
		case 2:
			w.Send(event(3, task.EventSnapshot))
			w.Send(event(3, task.EventSynced))
			w.Send(event(4, task.EventFired))
			return wire.Status(task.ErrWatchLagged)
		case 3:
			w.Send(event(5, task.EventFired))
			return status.Error(codes.Unavailable, "the connection was lost")
		}
		w.Send(event(6, task.EventFired))
		<-w.Context().Done()
		return nil
	}
	s.run(t, c.Socket)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var seqs []uint64
	for e, err := range c.Watch(ctx, wire.WatchQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		if seqs = append(seqs, e.Seq); e.Seq == 6 {
			cancel()
		}
	}
	if diff := cmp.Diff([]uint64{3, 3, 3, 4, 5, 6}, seqs); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"", "", "4", "5"}, cursors); diff != "" {
		t.Errorf("cursors (-want +got):\n%s", diff)
	}
}

func TestWatchEnds(t *testing.T) {
	c := newClient(t)
	(&server{watch: func(m *pb.WatchRequest, w grpc.ServerStreamingServer[pb.WatchResponse]) error {
		return wire.Status(&task.Error{Err: &task.CursorError{Oldest: "9"}})
	}}).run(t, c.Socket)
	n := 0
	for _, err := range c.Watch(t.Context(), wire.WatchQuery{Since: "1"}) {
		var expired *task.CursorError
		if n++; !errors.As(err, &expired) || expired.Oldest != "9" {
			t.Errorf("got %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d items", n)
	}
}

func TestWatchWithoutBroker(t *testing.T) {
	n := 0
	for _, err := range newClient(t).Watch(t.Context(), wire.WatchQuery{}) {
		if n++; !errors.Is(err, task.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d items", n)
	}
}

func TestReportFacts(t *testing.T) {
	c := newClient(t)
	got := make(chan *pb.ReportFactsRequest, 8)
	(&server{facts: func(r grpc.ClientStreamingServer[pb.ReportFactsRequest, pb.ReportFactsResponse]) error {
		for {
			m, err := r.Recv()
			if err != nil {
				return r.SendAndClose(&pb.ReportFactsResponse{})
			}
			got <- m
		}
	}}).run(t, c.Socket)
	facts := []task.Fact{{Name: "door/open", Value: task.Yes}}
	err := c.ReportFacts(t.Context(), "door", func(yield func([]task.Fact) bool) { yield(facts) })
	if err != nil {
		t.Fatal(err)
	}
	if m := <-got; m.GetSource() != "door" {
		t.Errorf("the first report is of %q", m.GetSource())
	}
	if m := <-got; len(m.GetFacts()) != 1 || m.GetFacts()[0].GetName() != "door/open" {
		t.Errorf("reported %v", m.GetFacts())
	}
}

// daemonMode makes this test binary a broker, as Spawn starts one.
const daemonMode = "CLIENT_TEST_DAEMON"

func TestMain(m *testing.M) {
	switch os.Getenv(daemonMode) {
	case "listen": // until a client sends something
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: os.Args[3], Net: "unix"})
		if err != nil {
			os.Exit(1)
		}
		l.SetDeadline(time.Now().Add(time.Minute)) // even if the test hangs
		for {
			conn, err := l.Accept()
			if err != nil {
				os.Exit(1)
			}
			if n, _ := conn.Read(make([]byte, 1)); n == 1 {
				for _, v := range os.Environ() {
					conn.Write([]byte(v + "\n"))
				}
				os.Exit(0)
			}
		}
	case "fail":
		os.Stderr.WriteString("cannot write to the state directory\n")
		os.Exit(3)
	}
	os.Exit(m.Run())
}

func spawn(t *testing.T, mode string) (string, error) {
	t.Setenv(daemonMode, mode)
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	t.Setenv(task.LaunchEnv, task.GUID{1}.String())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "s")
	return socket, Spawn(t.Context(), self, socket)
}

func TestSpawn(t *testing.T) {
	socket, err := spawn(t, "listen")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte("x"))
	var env strings.Builder
	for b := make([]byte, 1024); ; {
		n, err := conn.Read(b)
		env.Write(b[:n])
		if err != nil {
			break
		}
	}
	if !strings.Contains(env.String(), "XDG_STATE_HOME=") || strings.Contains(env.String(), task.LaunchEnv) {
		t.Errorf("the broker's environment is:\n%s", env.String())
	}
}

func TestSpawnFails(t *testing.T) {
	_, err := spawn(t, "fail")
	if !errors.Is(err, task.ErrUnavailable) || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "cannot write to the state directory") {
		t.Errorf("got %v", err)
	}
	if err := Spawn(t.Context(), "/nonexistent/bgtask", filepath.Join(t.TempDir(), "s")); !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("without a binary: %v", err)
	}
}
