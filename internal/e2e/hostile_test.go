//go:build linux

package e2e

import (
	"context"
	bin "encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/needs"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// untouched checks that the same broker is still serving.
func (w *world) untouched() {
	w.t.Helper()
	status, err := w.user.Status(w.context())
	if err != nil {
		w.t.Fatalf("the broker no longer serves: %v", err)
	}
	if status.PID != w.broker.pid {
		w.t.Fatalf("another broker, pid %d, serves", status.PID)
	}
}

// dial opens a connection that keeps to no limit.
func (w *world) dial() *grpc.ClientConn {
	w.t.Helper()
	conn, err := grpc.NewClient("passthrough:///bgtask", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", w.socket())
		}))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return conn
}

// raw opens a connection that speaks no protocol.
func (w *world) raw() net.Conn {
	w.t.Helper()
	conn, err := net.Dial("unix", w.socket())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return conn
}

// TestOnlyItsUserIsLetIn needs root, to act as another user.
func TestOnlyItsUserIsLetIn(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		needs.Missing(t, "root", needs.Root)
	}
	w := newWorld(t, "")
	cmd := w.command(w.binary, "daemon")
	w.another(cmd)
	b := begin(t, cmd)
	t.Cleanup(func() { b.kill(t) })
	eventually(t, "the broker of another user listens", w.listens)
	if _, stderr, code := w.bgtask("list"); code != 4 { // the file system lets root in, but the broker does not
		t.Errorf("root at another's broker: exit %d: %s", code, stderr)
	}
	if _, err := w.user.Status(w.context()); !errors.Is(err, task.ErrUnavailable) {
		t.Errorf("root: %v", err)
	}
	if n, err := w.raw().Read(make([]byte, 1)); err == nil {
		t.Errorf("root was sent %d bytes", n)
	}
	own := w.command(w.binary, "list")
	w.another(own)
	if out, err := own.CombinedOutput(); err != nil {
		t.Errorf("the broker's own user: %v: %s", err, out)
	}
	b.signal(t, syscall.SIGTERM)
	b.wait(t)
}

func TestTheUserNobodyIsKeptOut(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		needs.Missing(t, "root", needs.Root)
	}
	w := startWorld(t, "")
	list := func() *exec.Cmd {
		cmd := w.command(w.binary, "list")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		cmd.Dir = "/"
		return cmd
	}
	if out, err := list().CombinedOutput(); err == nil {
		t.Errorf("the user nobody was let in: %s", out)
	}
	for _, dir := range []string{w.dir, w.path("run"), filepath.Dir(w.socket())} {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(w.socket(), 0o777); err != nil { // now only the broker can refuse
		t.Fatal(err)
	}
	if out, err := list().CombinedOutput(); err == nil || !strings.Contains(string(out), "and you are uid") {
		t.Errorf("the file permissions allowed it, and the broker let the user nobody in or did not say why it refused: %s", out)
	}
	if err := os.Chmod(filepath.Dir(w.socket()), 0o700); err != nil {
		t.Fatal(err)
	}
	w.untouched()
}

func TestOversizedMessages(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Large", many)
	id := w.register(p.Family, event("large", "go", manyClass))
	broker := pb.NewBrokerServiceClient(w.dial())
	for _, size := range []int{task.MaxPayload + 1, task.MaxMessage, task.MaxMessage + 1, 64 << 20} {
		_, err := broker.Raise(w.context(), &pb.RaiseRequest{RequestId: task.GUID{1}.String(), EventId: "go", Payload: make([]byte, size)})
		if code := status.Code(err); code != codes.ResourceExhausted {
			t.Errorf("a payload of %d bytes: %v", size, err)
		}
	}
	for name, err := range map[string]error{
		"a long event":      second(broker.Raise(w.context(), &pb.RaiseRequest{RequestId: task.GUID{2}.String(), EventId: strings.Repeat("x", 257)})),
		"a bad id":          second(broker.Fire(w.context(), &pb.FireRequest{RequestId: "x", TaskId: "y"})),
		"a bad cursor":      watchError(w, broker, &pb.WatchRequest{Cursor: "-1"}),
		"a cursor to come":  watchError(w, broker, &pb.WatchRequest{Cursor: "1000000"}),
		"an unknown task":   second(broker.GetTask(w.context(), &pb.GetTaskRequest{TaskId: task.GUID{9}.String()})),
		"an empty register": second(broker.Register(w.context(), &pb.RegisterRequest{RequestId: task.GUID{3}.String()})),
	} {
		if err == nil || status.Code(err) == codes.Internal || status.Code(err) == codes.Unknown {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.untouched()
	if fired := w.info(id).State.Waiting; fired != 0 {
		t.Errorf("%d firings were accepted", fired)
	}
}

func second[T any](_ T, err error) error { return err }

func watchError(w *world, broker pb.BrokerServiceClient, m *pb.WatchRequest) error {
	stream, err := broker.Watch(w.context(), m)
	if err != nil {
		return err
	}
	_, err = stream.Recv()
	return err
}

// noise is a codec that sends bytes unchanged.
type noise struct{}

func (noise) Name() string                     { return "proto" }
func (noise) Marshal(v any) ([]byte, error)    { return v.([]byte), nil }
func (noise) Unmarshal(_ []byte, _ any) error  { return nil }
func noiseBytes(r *rand.Rand, most int) []byte { return randomBytes(r, r.IntN(most)) }
func randomBytes(r *rand.Rand, n int) (b []byte) {
	for range n {
		b = append(b, byte(r.Uint32()))
	}
	return b
}

func TestBytesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	random := rand.New(rand.NewPCG(1, 2))
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	for range 200 {
		conn := w.raw()
		if random.IntN(2) == 0 {
			conn.Write([]byte(preface))
		}
		for range random.IntN(5) {
			conn.Write(frame(random))
		}
		conn.Close()
	}
	conn := w.dial()
	for _, service := range []grpc.ServiceDesc{pb.BrokerService_ServiceDesc, pb.HostService_ServiceDesc} {
		for _, method := range service.Methods {
			for range 20 {
				var answer []byte
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				err := conn.Invoke(ctx, "/"+service.ServiceName+"/"+method.MethodName, noiseBytes(random, 200), &answer, grpc.ForceCodec(noise{}))
				cancel()
				if code := status.Code(err); code == codes.Unavailable || code == codes.DeadlineExceeded {
					t.Fatalf("%s: %v", method.MethodName, err)
				}
			}
		}
		for _, desc := range service.Streams {
			for range 20 {
				noisyStream(t, conn, &desc, "/"+service.ServiceName+"/"+desc.StreamName, random)
			}
		}
	}
	w.untouched()
}

// frame is an HTTP/2 frame with arbitrary content.
func frame(random *rand.Rand) []byte {
	body := noiseBytes(random, 100)
	head := make([]byte, 9)
	bin.BigEndian.PutUint32(head, uint32(len(body)+random.IntN(2)*random.IntN(1<<20))<<8)
	head[3], head[4] = byte(random.IntN(12)), byte(random.Uint32())
	bin.BigEndian.PutUint32(head[5:], random.Uint32()&0x7fffffff>>random.IntN(31))
	return append(head, body...)
}

func noisyStream(t *testing.T, conn *grpc.ClientConn, desc *grpc.StreamDesc, method string, random *rand.Rand) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := conn.NewStream(ctx, desc, method, grpc.ForceCodec(noise{}))
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	for range 3 {
		if s.SendMsg(noiseBytes(random, 200)) != nil {
			return
		}
	}
}

// TestAFloodOfConnections checks that connections over the limit are closed, and that
// clients from before are served.
func TestAFloodOfConnections(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	w.untouched()
	base := descriptors(t, w.broker.pid)
	var flood []net.Conn
	closed := func(c net.Conn) bool {
		c.SetReadDeadline(time.Now().Add(time.Millisecond))
		for {
			if _, err := c.Read(make([]byte, 1024)); err != nil {
				return !errors.Is(err, os.ErrDeadlineExceeded)
			}
		}
	}
	for range task.MaxConnections + 200 {
		flood = append(flood, w.raw())
	}
	eventually(t, "200 connections are closed by the broker", func() bool {
		n := 0
		for _, c := range flood {
			if closed(c) {
				n++
			}
		}
		return n >= 200
	})
	w.untouched()
	if n := descriptors(t, w.broker.pid); n > base+3*task.MaxConnections {
		t.Errorf("the broker has %d files open", n)
	}
	for _, c := range flood {
		c.Close()
	}
	eventually(t, "there is room again", func() bool { _, _, code := w.bgtask("list"); return code == 0 })
	eventually(t, "the broker has closed its files", func() bool { return descriptors(t, w.broker.pid) <= base+2 })
}

// TestHalfOpenConnections opens connections that send a few bytes and then nothing.
func TestHalfOpenConnections(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	for i := range 300 {
		conn := w.raw()
		conn.Write([]byte(preface)[:i%(len(preface)+1)])
	}
	host := pb.NewHostServiceClient(w.dial())
	for range 50 {
		if _, err := host.Attach(w.context()); err != nil { // and no hello
			t.Fatal(err)
		}
	}
	w.untouched()
	w.do("list")
}

// TestAFloodOfRequests checks that the broker refuses requests over the limit as
// ErrBusy, answers the rest, and continues to serve. The test stops it until all
// requests are on their way.
func TestAFloodOfRequests(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	const connections, each = 32, 256
	var flood []*client.Client
	for range connections {
		c := w.client(true)
		if _, err := c.Status(w.context()); err != nil { // so that the client is connected
			t.Fatal(err)
		}
		flood = append(flood, c)
	}
	var mu sync.Mutex
	var ok, busy int
	var asking, all sync.WaitGroup
	w.broker.signal(t, syscall.SIGSTOP)
	for _, c := range flood {
		for range each {
			asking.Add(1)
			all.Go(func() {
				asking.Done()
				_, err := c.Raise(w.t.Context(), "no listener", nil)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					ok++
				case errors.Is(err, task.ErrBusy):
					busy++
				default:
					t.Errorf("raise: %v", err)
				}
			})
		}
	}
	asking.Wait()
	w.broker.signal(t, syscall.SIGCONT)
	all.Wait()
	t.Logf("%d were answered, %d refused as busy", ok, busy)
	if ok == 0 {
		t.Error("no request was answered")
	}
	w.untouched()
}
