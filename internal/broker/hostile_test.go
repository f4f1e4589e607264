//go:build linux

package broker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// Peers that do what they should not. Each test ends with the question whether
// the broker still serves others.

func (r *rig) stillServes() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	if _, err := r.user.Status(ctx); err != nil {
		r.t.Errorf("the broker no longer serves: %v", err)
	}
}

// raw is a client below package client.
func (r *rig) raw(caller wire.Caller) (pb.BrokerServiceClient, pb.HostServiceClient) {
	r.t.Helper()
	conn, err := wire.Dial(r.socket, caller)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { conn.Close() })
	return pb.NewBrokerServiceClient(conn), pb.NewHostServiceClient(conn)
}

// speak is a process of another user: it reads one answer from the socket.
func speak(socket string) int {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		fmt.Println("dial:", err)
		return 0
	}
	conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprint(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	n, _ := io.Copy(io.Discard, conn)
	fmt.Println("answered bytes:", n)
	return 0
}

func (r *rig) chmod(path string, mode os.FileMode) {
	r.t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		r.t.Fatal(err)
	}
}

func TestAnotherUserIsNotLetIn(t *testing.T) {
	if os.Getuid() != 0 {
		needs.Missing(t, "root", needs.Root)
	}
	r := newRig(t)
	for path := r.dir; path != os.TempDir() && path != "/"; path = filepath.Dir(path) { // only the broker is in the way
		r.chmod(path, 0o755)
	}
	r.chmod(filepath.Dir(r.socket), 0o755)
	r.chmod(r.socket, 0o666)
	program := filepath.Join(r.dir, "speaker")
	r.program(program)
	r.chmod(program, 0o755)
	cmd := exec.Command(program, "-speak", r.socket)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "answered bytes: 0" {
		t.Errorf("another user got: %s (%v)", out, err)
	}
	r.stillServes()
}

func TestGarbageOnTheSocket(t *testing.T) {
	r := newRig(t)
	for _, garbage := range []string{"GET / HTTP/1.1\r\n\r\n", strings.Repeat("\xff", 1<<16), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\x00\x00\x00\x00\x00\x00", ""} {
		conn, err := net.Dial("unix", r.socket)
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, garbage)
		conn.Close()
	}
	r.stillServes()
}

func TestAConnectionThatSaysNothingHoldsUpNobody(t *testing.T) {
	r := newRig(t)
	for range 50 {
		conn, err := net.Dial("unix", r.socket)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	r.stillServes()
}

func TestWhatIsTooLargeIsRefused(t *testing.T) {
	r := newRig(t)
	broker, _ := r.raw(wire.Caller{User: true})
	_, err := broker.Raise(t.Context(), &pb.RaiseRequest{EventId: "e", Payload: make([]byte, 2<<20)})
	if status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a message of 2 MiB: %v", err)
	}
	_, err = broker.Raise(t.Context(), &pb.RaiseRequest{EventId: "e", Payload: make([]byte, task.MaxPayload+1)})
	if err := wire.Error("raise", err); !errors.Is(err, task.ErrLimit) {
		t.Errorf("a payload over the limit: %v", err)
	}
	_, err = broker.Raise(t.Context(), &pb.RaiseRequest{EventId: strings.Repeat("e", task.MaxName+1)})
	if err := wire.Error("raise", err); !errors.Is(err, task.ErrLimit) {
		t.Errorf("a name over the limit: %v", err)
	}
	r.stillServes()
}

func TestAHostThatDoesNotFollowTheProtocol(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	_, hosts := r.raw(wire.Caller{Package: p.Family})
	hello := wire.HostFrameTo(wire.Hello{Objects: []task.Object{{CLSID: manyClass}}})
	for _, c := range []struct {
		name string
		say  []*pb.AttachRequest
	}{
		{"no hello", []*pb.AttachRequest{wire.HostFrameTo(wire.Leave{})}},
		{"nothing in the frame", []*pb.AttachRequest{{}}},
		{"hello twice", []*pb.AttachRequest{hello, hello}},
		{"not a GUID", []*pb.AttachRequest{hello, {Frame: &pb.AttachRequest_Accepted{Accepted: &pb.Accepted{InstanceId: "x"}}}}},
		{"too many classes", []*pb.AttachRequest{{Frame: &pb.AttachRequest_Hello{Hello: &pb.Hello{Objects: make([]*pb.Object, task.MaxClasses+1)}}}}},
	} {
		stream, err := hosts.Attach(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.say {
			stream.Send(m)
		}
		for err == nil {
			_, err = stream.Recv()
		}
		if err := wire.Error("attach", err); !errors.Is(err, task.ErrInvalid) && !errors.Is(err, task.ErrLimit) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	r.stillServes()
}

func TestUnknownInstancesHarmNobody(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	_, hosts := r.raw(wire.Caller{Package: p.Family})
	stream, err := hosts.Attach(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unknown := task.MustGUID("99999999-2222-4333-8444-555555555501")
	for _, f := range []wire.HostFrame{
		wire.Hello{Objects: []task.Object{{CLSID: manyClass}}, Instances: []task.HeldInstance{{Instance: unknown}}},
		wire.Accepted{Instance: unknown},
		wire.Progress{Instance: unknown, Value: 1},
		wire.SaveCheckpoint{Request: unknown, Instance: unknown, Data: []byte("x")},
		wire.Refused{Instance: unknown, Text: "no"},
		wire.Finished{Instance: unknown, Result: task.Result{Outcome: task.Completed}},
		wire.Finished{Instance: unknown, Result: task.Result{Outcome: task.Completed}},
	} {
		if err := stream.Send(wire.HostFrameTo(f)); err != nil {
			t.Fatal(err)
		}
	}
	for acknowledged := 0; acknowledged < 2; { // what comes late is acknowledged and ignored
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if m.GetAcknowledge() != nil {
			acknowledged++
		}
	}
	r.stillServes()
}

func TestAProcessAttachesOnce(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	_, hosts := r.raw(wire.Caller{Package: p.Family})
	attach := func() error {
		stream, err := hosts.Attach(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(wire.HostFrameTo(wire.Hello{})); err != nil {
			t.Fatal(err)
		}
		_, err = stream.Recv()
		return wire.Error("attach", err)
	}
	if err := attach(); err != nil {
		t.Fatal(err)
	}
	if err := attach(); !errors.Is(err, task.ErrConflict) {
		t.Errorf("the second time: %v", err)
	}
}

// A host that sends a flood of frames is slowed down, and others are still served.
func TestAFloodOfFramesHoldsUpNobody(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	_, hosts := r.raw(wire.Caller{Package: p.Family})
	stream, err := hosts.Attach(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stream.Send(wire.HostFrameTo(wire.Hello{}))
	frame := wire.HostFrameTo(wire.Progress{Instance: task.MustGUID("99999999-2222-4333-8444-555555555501"), Value: 1})
	flooded := make(chan struct{})
	go func() {
		defer close(flooded)
		for range 50_000 {
			if stream.Send(frame) != nil {
				return
			}
		}
	}()
	r.stillServes()
	<-flooded
	r.stillServes()
}

// A host that reads nothing is cut off.
func TestAHostThatDoesNotReadIsCutOff(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	_, hosts := r.raw(wire.Caller{Package: p.Family})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream, err := hosts.Attach(ctx)
	if err != nil {
		t.Fatal(err)
	}
	stream.Send(wire.HostFrameTo(wire.Hello{}))
	done := wire.HostFrameTo(wire.Finished{Instance: task.MustGUID("99999999-2222-4333-8444-555555555501"), Result: task.Result{Outcome: task.Completed}})
	for err == nil {
		err = stream.Send(done) // each is acknowledged, and the acknowledgments are not read
	}
	if ctx.Err() != nil {
		t.Error("it is not cut off")
	}
	r.stillServes()
}

func TestApplicationsDecideNothingForTheUser(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	other := r.register(p, "work", manyClass)
	app := &client.Client{Socket: r.socket, Package: p.Family, Start: client.NoStart}
	defer app.Close()
	ctx := t.Context()
	for name, err := range map[string]error{
		"access":   app.SetAccess(ctx, p.Family, task.AlwaysAllowed),
		"remove":   app.Uninstall(ctx, p.Family, false),
		"override": app.OverrideFact(ctx, task.FactInternet, task.No, 0),
		"stop":     app.Stop(ctx, time.Second),
	} {
		if !errors.Is(err, task.ErrAccessDenied) {
			t.Errorf("%s: %v, want ErrAccessDenied", name, err)
		}
	}
	if _, err := app.Install(ctx, "/", client.Installing{}); !errors.Is(err, task.ErrAccessDenied) {
		t.Errorf("install: %v", err)
	}
	if _, err := app.Task(ctx, other); err != nil {
		t.Errorf("its own task: %v", err)
	}
	spec := task.Spec{Name: "c", EntryPoint: task.CommandClass, Trigger: task.ApplicationTrigger{}, Command: &task.Command{Path: "/bin/true", Dir: "/"}}
	commands, err := r.user.Register(ctx, spec, client.Registering{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.Task(ctx, commands.TaskID); !errors.Is(err, task.ErrNotRegistered) {
		t.Errorf("a task of another package: %v", err)
	}
	if err := app.Unregister(ctx, commands.TaskID, true); !errors.Is(err, task.ErrNotRegistered) {
		t.Errorf("to remove a task of another package: %v", err)
	}
}
