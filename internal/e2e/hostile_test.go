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
	"slices"
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
	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// untouched demands that the broker is the same, and serves.
func (w *world) untouched() {
	w.t.Helper()
	status, err := w.user.Status(w.context())
	if err != nil {
		w.t.Fatalf("the broker does not serve any more: %v", err)
	}
	if status.PID != w.broker.pid {
		w.t.Fatalf("another broker, pid %d, serves", status.PID)
	}
}

// dial is a connection that keeps to no limit.
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

// raw is a connection that speaks no protocol.
func (w *world) raw() net.Conn {
	w.t.Helper()
	conn, err := net.Dial("unix", w.socket())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return conn
}

// TestOnlyItsUserIsLetIn needs root, to be somebody else.
func TestOnlyItsUserIsLetIn(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can be two users")
	}
	w := newWorld(t, "")
	cmd := w.command(w.binary, "daemon")
	w.another(cmd)
	b := begin(t, cmd)
	t.Cleanup(func() { b.kill(t) })
	eventually(t, "the broker of another user listens", w.listens)
	if _, stderr, code := w.bgtask("list"); code != 5 { // root is let through by the file system, and not by the broker
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

func TestNobodyIsNotLetIn(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root can be two users")
	}
	w := startWorld(t, "")
	list := func() *exec.Cmd {
		cmd := w.command(w.binary, "list")
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		cmd.Dir = "/"
		return cmd
	}
	if out, err := list().CombinedOutput(); err == nil {
		t.Errorf("nobody was let in: %s", out)
	}
	for _, dir := range []string{w.dir, w.path("run"), filepath.Dir(w.socket())} {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(w.socket(), 0o777); err != nil { // so that only the broker is in the way
		t.Fatal(err)
	}
	if out, err := list().CombinedOutput(); err == nil {
		t.Errorf("the file system stood open, and the broker let nobody in: %s", out)
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
		"nobody's task":     second(broker.GetTask(w.context(), &pb.GetTaskRequest{TaskId: task.GUID{9}.String()})),
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

// noise is a codec that sends bytes as they are.
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

// frame is a frame of HTTP/2 with anything in it.
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

// TestAFloodOfConnections: those over the limit are closed, and whoever was there
// before is served.
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

// TestHalfOpenConnections: they say a little, and then nothing.
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

// TestAFloodOfRequests: what is too much is refused as ErrBusy, the rest is
// answered, and the broker goes on.
func TestAFloodOfRequests(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	const connections, each = 24, 256
	var mu sync.Mutex
	var ok, busy int
	var all sync.WaitGroup
	for range connections {
		c := w.client(true)
		for range each {
			all.Go(func() {
				_, err := c.Raise(w.t.Context(), "nobody listens", nil)
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
	all.Wait()
	t.Logf("%d were answered, %d refused as busy", ok, busy)
	if ok == 0 {
		t.Error("none was answered")
	}
	w.untouched()
}

// attach attaches the test itself as a host of a package.
func (w *world) attach(family string, hello wire.Hello) (client.Stream, wire.Welcome) {
	w.t.Helper()
	c := w.client(false)
	c.Package = family
	ctx, cancel := context.WithCancel(context.Background())
	w.t.Cleanup(cancel)
	stream, err := c.Attach(ctx, false)
	if err == nil {
		err = stream.Send(hello)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	first, err := stream.Recv()
	if err != nil {
		w.t.Fatal(err)
	}
	welcome, ok := first.(wire.Welcome)
	if !ok {
		w.t.Fatalf("the first frame is %T", first)
	}
	return stream, welcome
}

// TestAHostThatNeverReads is closed when its outbox is full, and slows nobody.
func TestAHostThatNeverReads(t *testing.T) {
	w := startWorld(t, "")
	p, deaf := w.install("Warm", many), w.install("Deaf", many)
	app := w.open(p)
	id := w.register(p.Family, event("warm", "go", manyClass))
	e := w.watch()
	warm := func() time.Duration {
		began := time.Now()
		n := w.fire(id, "")
		if run := e.running(id, n); run.PID != app.pid {
			t.Fatalf("it runs in pid %d", run.PID)
		}
		took := time.Since(began)
		e.end(id, n)
		return took
	}
	before := median(warm)
	stream, _ := w.attach(deaf.Family, wire.Hello{})
	sent := make(chan int)
	go func() {
		n := 0
		for stream.Send(wire.Finished{Instance: task.GUID{1}, Result: task.Result{Outcome: task.Completed, Text: strings.Repeat("x", 100)}}) == nil {
			n++
		}
		sent <- n
	}()
	during := median(warm)
	var n int
	select {
	case n = <-sent:
	case <-time.After(patience):
		t.Fatal("a host that never reads is not closed")
	}
	t.Logf("from firing to Run: %v before, %v while a host floods; it was closed after %d frames", before, during, n)
	if during > 20*before+100*time.Millisecond {
		t.Errorf("from firing to Run: %v before, %v while a host floods", before, during)
	}
	w.untouched()
}

func median(f func() time.Duration) time.Duration {
	var all []time.Duration
	for range 21 {
		all = append(all, f())
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// TestAHostThatLies says of itself and of others what is not so.
func TestAHostThatLies(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p, liar := w.install("Honest", many), w.install("Liar", many)
	id := w.register(p.Family, event("honest", "go", manyClass))
	e := w.watch()
	w.gate("gate")
	n := w.fire(id, "gate gate")
	run := e.running(id, n)
	stream, welcome := w.attach(liar.Family, wire.Hello{
		Token:     run.Launch,
		Objects:   []task.Object{{CLSID: manyClass}, {CLSID: task.GUID{7}}},
		Instances: []task.HeldInstance{{Instance: run.ID, Result: &task.Result{Outcome: task.Failed, Text: "a lie"}}, {Instance: task.GUID{8}}},
	})
	if welcome.Launched || welcome.Package != liar.Family {
		t.Errorf("it is welcomed as %+v", welcome)
	}
	for range 3 {
		for _, lie := range []wire.HostFrame{
			wire.Accepted{Instance: run.ID}, wire.Refused{Instance: run.ID, Text: "no"}, wire.Progress{Instance: run.ID, Value: 4711},
			wire.SaveCheckpoint{Request: task.GUID{5}, Instance: run.ID, Data: []byte("a lie")},
			wire.Finished{Instance: run.ID, Result: task.Result{Outcome: task.Completed}}, wire.Finished{Instance: task.GUID{8}, Result: task.Result{Outcome: task.Crashed}},
		} {
			if err := stream.Send(lie); err != nil {
				break // it was thrown out, which is as good
			}
		}
	}
	if err := stream.Send(wire.Leave{}); err == nil {
		awaitLeave(t, stream)
	}
	if live := w.info(id).State.Run; live == nil || live.ID != run.ID || live.Progress == 4711 {
		t.Errorf("the honest run is %+v", live)
	}
	w.opens("gate")
	if ended := e.runEnded(id, n, 1); ended.Outcome != task.Completed || ended.ID != run.ID {
		t.Errorf("the honest run ended %v", ended.Outcome)
	}
	w.untouched()
}

// awaitLeave reads to the answer: what was sent before it has been seen then.
func awaitLeave(t *testing.T, stream client.Stream) {
	t.Helper()
	for {
		frame, err := stream.Recv()
		if err != nil {
			return
		}
		switch frame.(type) {
		case wire.LeaveConfirmed, wire.Stay:
			return
		}
	}
}

// TestAHostThatRepeatsItself tells an outcome twice, and another one after it: the
// first one recorded stands.
func TestAHostThatRepeatsItself(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Again", many)
	id := w.register(p.Family, event("again", "go", manyClass))
	e := w.watch()
	stream, _ := w.attach(p.Family, wire.Hello{Objects: []task.Object{{CLSID: manyClass}}})
	n := w.fire(id, "")
	frame, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	a, ok := frame.(wire.Activate)
	if !ok || a.Activation.Occurrence.Number != n {
		t.Fatalf("the first frame is %+v", frame)
	}
	instance := a.Activation.Instance
	for _, f := range []wire.HostFrame{
		wire.Accepted{Instance: instance}, wire.Accepted{Instance: instance},
		wire.Finished{Instance: instance, Result: task.Result{Outcome: task.Failed, Text: "the first"}},
		wire.Finished{Instance: instance, Result: task.Result{Outcome: task.Failed, Text: "the first"}},
		wire.Finished{Instance: instance, Result: task.Result{Outcome: task.Completed}},
		wire.Accepted{Instance: instance}, wire.Progress{Instance: instance, Value: 1},
	} {
		if err := stream.Send(f); err != nil {
			t.Fatal(err)
		}
	}
	for acknowledged := 0; acknowledged < 3; {
		frame, err := stream.Recv()
		if err != nil {
			t.Fatalf("after %d acknowledgements: %v", acknowledged, err)
		}
		if a, ok := frame.(wire.Acknowledge); ok && a.Instance == instance {
			acknowledged++
		}
	}
	if run := e.runEnded(id, n, 1); run.Outcome != task.Failed || run.Text != "the first" {
		t.Errorf("the run ended %v: %q", run.Outcome, run.Text)
	}
	if faults := storyOf(id, e.list()).faults(); len(faults) > 0 {
		t.Error(strings.Join(faults, "\n"))
	}
}

func TestTooManyHostsOfAPackage(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	p := w.install("Hosts", many)
	stream, _ := w.attach(p.Family, wire.Hello{})
	c := w.client(false)
	c.Package = p.Family
	second, err := c.Attach(w.context(), false)
	if err == nil {
		if err = second.Send(wire.Hello{}); err == nil {
			_, err = second.Recv()
		}
	}
	if err == nil {
		t.Error("one process has two streams")
	}
	objects := make([]task.Object, task.MaxClasses+1)
	for i := range objects {
		objects[i].CLSID = task.GUID{1, byte(i)}
	}
	if err := stream.Send(wire.ObjectsChanged{Objects: objects}); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err == nil {
		t.Errorf("a host with %d classes is taken", len(objects))
	}
	w.untouched()
}
