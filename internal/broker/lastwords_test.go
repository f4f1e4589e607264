//go:build linux

package broker_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// proxy is a line to the broker that can hold back what the client says, and
// then let it through and break in the same moment.
type proxy struct {
	t        *testing.T
	listener *net.UnixListener

	mu      sync.Mutex
	cond    *sync.Cond
	holding bool
	held    []byte
	server  net.Conn
	client  net.Conn
}

func newProxy(t *testing.T, r *rig) (*proxy, string) {
	t.Helper()
	path := filepath.Join(r.dir, "proxy.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, listener: l}
	p.cond = sync.NewCond(&p.mu)
	t.Cleanup(func() { l.Close() })
	go p.accept(r.socket)
	return p, path
}

func (p *proxy) accept(to string) {
	for {
		from, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", to)
		if err != nil {
			from.Close()
			return
		}
		p.mu.Lock()
		p.server, p.client, p.holding, p.held = server, from, false, nil
		p.mu.Unlock()
		go p.forward(from, server)
		go func() {
			defer from.Close()
			buf := make([]byte, 4096)
			for {
				n, err := server.Read(buf)
				if err != nil {
					return
				}
				from.Write(buf[:n])
			}
		}()
	}
}

func (p *proxy) forward(from, to net.Conn) {
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.holding {
			p.held = append(p.held, buf[:n]...)
			p.cond.Broadcast()
		} else {
			to.Write(buf[:n])
		}
		p.mu.Unlock()
	}
}

func (p *proxy) hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holding = true
}

// breakAfter waits for words, lets them through and breaks the line.
func (p *proxy) breakAfter(words string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !bytes.Contains(p.held, []byte(words)) {
		p.cond.Wait()
	}
	p.server.Write(p.held)
	p.server.Close()
	p.client.Close()
}

// A host may report how its run ended and exit in the same moment. The report counts.
func TestTheLastWordsOfAStreamAreRead(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // so that without LastWords the end would be noticed first
	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "work", manyClass)
	line, path := newProxy(t, r)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		c := &client.Client{Socket: path, Package: p.Family, Start: client.NoStart, Logger: slog.New(slog.DiscardHandler)}
		stream, err := c.Attach(ctx, false)
		if err != nil {
			t.Fatal(err)
		}
		say := func(f wire.HostFrame) {
			t.Helper()
			if err := stream.Send(f); err != nil {
				t.Fatal(err)
			}
		}
		hear := func() wire.BrokerFrame {
			t.Helper()
			f, err := stream.Recv()
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		say(wire.Hello{Objects: []task.Object{{CLSID: manyClass}}})
		hear() // welcome
		since := r.now()
		r.fire(id, "")
		activation := hear().(wire.Activate).Activation
		say(wire.Accepted{Instance: activation.Instance})
		r.awaitRunning(since, id)
		line.hold()
		say(wire.Finished{Instance: activation.Instance, Result: task.Result{Outcome: task.Failed, Text: "last words"}})
		line.breakAfter("last words")
		if run := r.awaitEnd(since, id); run.Outcome != task.Failed || run.Text != "last words" {
			t.Errorf("the run: %+v", run)
		}
		cancel()
		c.Close()
	}
}
