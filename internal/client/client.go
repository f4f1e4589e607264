package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/bgtask/bgtask/internal/wire"
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// Client is a broker behind its socket. The zero Client is ready: it dials at
// first use, and starts a broker when there is none. Safe for concurrent use.
type Client struct {
	Package string       // claimed; "": the one whose folder holds this executable, else an implied one
	Socket  string       // "": where the broker's socket is
	User    bool         // this is the user's command line: it sees all packages
	Version string       // of the caller, for people
	Logger  *slog.Logger // nil: slog.Default

	// Start starts a broker for the socket and returns when it accepts
	// connections. Nil: StartBroker. NoStart never starts one.
	Start func(ctx context.Context, socket string) error

	mu   sync.Mutex
	link *link // nil: closed, or not used yet

	starting chan struct{} // holds one token while a broker is being started
}

// link is one connection, which gRPC makes and makes again.
type link struct {
	socket string
	conn   *grpc.ClientConn
	broker pb.BrokerServiceClient
	host   pb.HostServiceClient
}

// readyWithin bounds how long a broker that was just found or started may take
// to accept the connection.
const readyWithin = 10 * time.Second

// NoStart is a Start that starts nothing.
func NoStart(context.Context, string) error { return task.ErrUnavailable }

// Close closes the connection; the Client dials again when it is used again.
func (c *Client) Close() error {
	c.mu.Lock()
	l := c.link
	c.link = nil
	c.mu.Unlock()
	if l == nil {
		return nil
	}
	return l.conn.Close()
}

// connect prepares the connection.
func (c *Client) connect() (*link, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.link != nil {
		return c.link, nil
	}
	socket := c.Socket
	if socket == "" {
		var err error
		if socket, err = wire.SocketPath(); err != nil {
			return nil, err
		}
	}
	executable, _ := os.Executable() // the broker looks for itself; this is for one that cannot
	conn, err := wire.Dial(socket, wire.Caller{Package: c.Package, Executable: executable, User: c.User, Version: c.Version})
	if err != nil {
		return nil, err
	}
	if c.starting == nil {
		c.starting = make(chan struct{}, 1)
	}
	c.link = &link{socket: socket, conn: conn, broker: pb.NewBrokerServiceClient(conn), host: pb.NewHostServiceClient(conn)}
	return c.link, nil
}

// asksAtMost bounds how often the same is asked for: a broker may die between
// being found and being asked.
const asksAtMost = 3

// call asks the broker. When none answers one is started, and the same is asked
// again: whoever asks for a change has a request id in it.
func call[T any](ctx context.Context, c *Client, op string, ask func(*link) (T, error)) (T, error) {
	return callFrom(ctx, c, op, true, ask)
}

func callFrom[T any](ctx context.Context, c *Client, op string, start bool, ask func(*link) (T, error)) (T, error) {
	var zero T
	l, err := c.connect()
	if err != nil {
		return zero, refused(op, err)
	}
	for asked := 1; ; asked++ {
		v, err := ask(l)
		if err = wire.Error(op, err); !errors.Is(err, task.ErrUnavailable) || !start || asked == asksAtMost {
			return v, l.explain(op, err)
		}
		if err := c.revive(ctx, l); err != nil {
			return zero, refused(op, err)
		}
	}
}

// revive sees to it that there is a broker, and waits for the connection.
func (c *Client) revive(ctx context.Context, l *link) error {
	select {
	case c.starting <- struct{}{}:
		defer func() { <-c.starting }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	start := c.Start
	if start == nil {
		start = StartBroker
	}
	if !listens(ctx, l.socket) {
		if err := start(ctx, l.socket); err == task.ErrUnavailable { // NoStart
			return l.silent("")
		} else if err != nil {
			return err
		}
	} else if err := wire.Stranger(l.socket); err != nil {
		return err // no waiting helps
	}
	return l.ready(ctx)
}

// ready waits until the connection stands, or nobody listens any more: whoever asks
// then hears of it.
func (l *link) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	l.conn.ResetConnectBackoff()
	for {
		state := l.conn.GetState()
		switch state {
		case connectivity.Ready:
			return nil
		case connectivity.Idle:
			l.conn.Connect()
		case connectivity.TransientFailure:
			if !listens(ctx, l.socket) {
				return nil
			}
		case connectivity.Shutdown:
			return l.silent("the connection was closed")
		}
		if !l.changes(ctx, state) && ctx.Err() != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return l.silent("it does not take the connection")
			}
			return context.Cause(ctx)
		}
	}
}

// changes waits a while for another state of the connection. One that failed stays
// so while it is tried again, and when nobody is left to try it with.
func (l *link) changes(ctx context.Context, from connectivity.State) bool {
	ctx, cancel := context.WithTimeout(ctx, paceFirst)
	defer cancel()
	return l.conn.WaitForStateChange(ctx, from)
}

// explain says in people's words that nobody answered.
func (l *link) explain(op string, err error) error {
	var e *task.Error
	if errors.Is(err, task.ErrUnavailable) && errors.As(err, &e) && strings.Contains(e.Detail, "connection error") {
		return refused(op, l.silent(dialFault(e.Detail)))
	}
	return err
}

// dialFault is what is worth telling of gRPC's words: not that a socket is not
// there or that nobody listens on it, which "does not answer" says.
func dialFault(words string) string {
	if strings.Contains(words, "connect: no such file") || strings.Contains(words, "connection refused") {
		return ""
	}
	return strings.Trim(words[strings.LastIndex(words, "desc = ")+len("desc = "):], `"`)
}

func (l *link) silent(why string) error {
	e := &task.Error{
		Err:    task.ErrUnavailable,
		Detail: "the broker does not answer on " + l.socket,
		Hint:   "'bgtask doctor' looks for the cause; 'systemctl --user start bgtask' starts it",
	}
	if why != "" {
		e.Detail += ": " + why
	}
	return e
}

// refused names what was tried, once.
func refused(op string, err error) error {
	var e *task.Error
	switch {
	case err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return err
	case !errors.As(err, &e):
		return &task.Error{Op: op, Err: fmt.Errorf("%w: %w", task.ErrUnavailable, err), Detail: err.Error()}
	case e.Op != "":
		return err
	}
	with := *e
	with.Op = op
	return &with
}

func (c *Client) logger() *slog.Logger {
	if c.Logger != nil {
		return c.Logger
	}
	return slog.Default()
}
