package wire

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"

	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

func TestSocketPath(t *testing.T) {
	xdg, run := t.TempDir(), t.TempDir()
	for _, c := range []struct{ socket, xdg, run, want string }{
		{"/a/b.sock", xdg, run, "/a/b.sock"},
		{"", xdg, run, filepath.Join(xdg, "bgtask", "bgtask.sock")},
		{"", "", run, filepath.Join(run, "bgtask", "bgtask.sock")},
		{"", filepath.Join(xdg, "gone"), run, filepath.Join(run, "bgtask", "bgtask.sock")},
		{"", "relative", run, filepath.Join(run, "bgtask", "bgtask.sock")},
	} {
		if got, err := socketPath(c.socket, c.xdg, c.run); err != nil || got != c.want {
			t.Errorf("%+v: got %s, %v", c, got, err)
		}
	}
	_, err := socketPath("", "", filepath.Join(run, "gone"))
	if !errors.Is(err, task.ErrUnavailable) || task.Hint(err) == "" {
		t.Errorf("without a directory: %v, hint %q", err, task.Hint(err))
	}
}

func TestListen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bgtask", "bgtask.sock")
	first, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path string
		want os.FileMode
	}{{path, 0o600}, {filepath.Dir(path), 0o700}} {
		if info, err := os.Stat(c.path); err != nil || info.Mode().Perm() != c.want {
			t.Errorf("%s: %v, %v; want %o", c.path, info.Mode(), err, c.want)
		}
	}
	if _, err := Listen(path); !errors.Is(err, task.ErrConflict) {
		t.Errorf("a second broker: %v", err)
	}
	first.SetUnlinkOnClose(false) // a killed broker leaves its socket
	first.Close()
	second, err := Listen(path)
	if err != nil {
		t.Fatalf("after a dead broker: %v", err)
	}
	second.Close()
}

func TestListenRefuses(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(filepath.Join(open, "s")); !errors.Is(err, task.ErrAccessDenied) || !strings.Contains(task.Hint(err), "chmod 700") {
		t.Errorf("a directory that others may enter: %v", err)
	}
	file := filepath.Join(t.TempDir(), "private", "s")
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, []byte("mine"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file); !errors.Is(err, task.ErrConflict) {
		t.Errorf("a file in the way: %v", err)
	}
	if b, _ := os.ReadFile(file); string(b) != "mine" {
		t.Error("the file in the way was touched")
	}
	if _, err := Listen("/tmp/" + strings.Repeat("x", 200)); !errors.Is(err, task.ErrLimit) {
		t.Errorf("a path that is too long: %v", err)
	}
}

// fake answers with what it sees of its caller.
type fake struct {
	pb.UnimplementedBrokerServiceServer
	peer   *Peer
	caller Caller
	err    error
}

func (f *fake) Raise(ctx context.Context, _ *pb.RaiseRequest) (*pb.RaiseResponse, error) {
	f.peer, _ = PeerFrom(ctx)
	f.caller, f.err = CallerFrom(ctx)
	return &pb.RaiseResponse{}, Status(f.err)
}

func (f *fake) Fire(context.Context, *pb.FireRequest) (*pb.FireResponse, error) {
	return nil, Status(&task.Error{Op: "fire", Subject: "p/n", Err: task.ErrQueueFull, Detail: "3 wait"})
}

func serve(t *testing.T, uid int, f *fake) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "d", "s")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	s := grpc.NewServer(ServerOptions(uid)...)
	pb.RegisterBrokerServiceServer(s, f)
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-done })
	return path
}

func dial(t *testing.T, path string, caller Caller) pb.BrokerServiceClient {
	t.Helper()
	conn, err := Dial(path, caller)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return pb.NewBrokerServiceClient(conn)
}

func TestBrokerSeesItsCaller(t *testing.T) {
	f := &fake{}
	want := Caller{Package: "notes_8z2hq4k1ycxxt", Executable: "/home/ann/caf\u00e9", User: true, Version: "1.0"}
	if _, err := dial(t, serve(t, os.Getuid(), f), want).Raise(t.Context(), &pb.RaiseRequest{}); err != nil {
		t.Fatal(err)
	}
	if f.caller != want {
		t.Errorf("the caller is %+v", f.caller)
	}
	if f.peer == nil || f.peer.PID != os.Getpid() || f.peer.UID != os.Getuid() {
		t.Errorf("the peer is %+v", f.peer)
	}
}

func TestOtherUsersAreRefused(t *testing.T) {
	f := &fake{}
	_, err := dial(t, serve(t, os.Getuid()+1, f), Caller{}).Raise(t.Context(), &pb.RaiseRequest{})
	if err := Error("raise", err); !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if f.peer != nil {
		t.Error("the call went through")
	}
}

func TestLimitsOfCalls(t *testing.T) {
	broker := dial(t, serve(t, os.Getuid(), &fake{}), Caller{Package: strings.Repeat("x", task.MaxName+1)})
	_, err := broker.Raise(t.Context(), &pb.RaiseRequest{})
	if err := Error("raise", err); !errors.Is(err, task.ErrLimit) || !strings.Contains(err.Error(), "caller.package") {
		t.Errorf("a long package: %v", err)
	}
	_, err = broker.Raise(t.Context(), &pb.RaiseRequest{Payload: make([]byte, task.MaxMessage)})
	if err := Error("raise", err); !errors.Is(err, task.ErrLimit) {
		t.Errorf("a large message: %v", err)
	}
}

func TestErrorsCrossTheSocket(t *testing.T) {
	_, err := dial(t, serve(t, os.Getuid(), &fake{}), Caller{}).Fire(t.Context(), &pb.FireRequest{})
	if err := Error("fire", err); !errors.Is(err, task.ErrQueueFull) || err.Error() != "fire: p/n: 3 wait" {
		t.Errorf("got %v", err)
	}
}

// A closed connection no longer counts against the limit.
func TestConnectionsAreCounted(t *testing.T) {
	path := serve(t, os.Getuid(), &fake{})
	for range task.MaxConnections + 2 {
		conn, err := Dial(path, Caller{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := pb.NewBrokerServiceClient(conn).Raise(t.Context(), &pb.RaiseRequest{}); err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
}

func TestNotAUnixSocket(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if _, _, err := (sameUser{}).handshake(a); err == nil {
		t.Error("a pipe has credentials")
	}
}
