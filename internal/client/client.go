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

// Client is a broker behind its socket. The zero Client is ready to use: it dials at
// first use, and starts a broker if none is running. It is safe for concurrent use.
type Client struct {
	Package string       // the claimed package; "": the one whose folder contains this executable, else an implied one
	Socket  string       // path of the socket; "": the default one
	User    bool         // set by the user's command line, which reaches all packages
	Version string       // of the caller, shown to people
	Logger  *slog.Logger // nil: slog.Default

	// Start starts a broker for the socket and returns when it accepts connections. Nil
	// means StartBroker. NoStart never starts one.
	Start func(ctx context.Context, socket string) error

	mu   sync.Mutex
	link *link // nil: closed, or not used yet

	starting chan struct{} // holds one token while a broker is being started
}

// link is one connection, which gRPC makes and remakes.
type link struct {
	socket string
	conn   *grpc.ClientConn
	broker pb.BrokerServiceClient
	host   pb.HostServiceClient
}

// readyWithin is how long a broker that was just found or started may take to accept
// the connection.
const readyWithin = 10 * time.Second

// NoStart is a Start function that starts nothing.
func NoStart(context.Context, string) error { return errNotStarted }

var errNotStarted = fmt.Errorf("%w: no broker is started here", task.ErrUnavailable)

// Close closes the connection. The Client dials again when it is used again.
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

// connect returns the connection, and prepares it at first use.
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
	executable, _ := os.Executable() // the broker looks it up itself; this is for a broker that cannot
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

// maxAttempts limits how often a call is repeated: a broker may exit between being
// found and being called.
const maxAttempts = 3

// call calls the broker. If no broker answers, it starts one and repeats the call,
// which is safe because every change carries a request id.
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
		if err = wire.Error(op, err); !errors.Is(err, task.ErrUnavailable) || !start || asked == maxAttempts {
			return v, l.explain(op, err)
		}
		if err := c.ensureBroker(ctx, l); err != nil {
			return zero, refused(op, err)
		}
	}
}

// ensureBroker makes sure that a broker is running, and waits for the connection.
func (c *Client) ensureBroker(ctx context.Context, l *link) error {
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
		if err := start(ctx, l.socket); errors.Is(err, errNotStarted) {
			return l.unreachable("")
		} else if err != nil {
			return err
		}
	} else if err := wire.Stranger(l.socket); err != nil {
		return err // waiting does not help
	}
	return l.ready(ctx)
}

// ready waits until the connection is ready, or until no broker listens any more; the
// next call then reports that.
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
			return l.unreachable("the connection was closed")
		}
		if !l.waitChange(ctx, state) && ctx.Err() != nil {
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return l.unreachable("it does not accept the connection")
			}
			return context.Cause(ctx)
		}
	}
}

// waitChange waits a while for another state of the connection. A failed connection
// keeps its state while it is retried, and when no broker is left to retry with.
func (l *link) waitChange(ctx context.Context, from connectivity.State) bool {
	ctx, cancel := context.WithTimeout(ctx, paceFirst)
	defer cancel()
	return l.conn.WaitForStateChange(ctx, from)
}

// explain replaces gRPC's error text by one that says that the broker does not answer.
func (l *link) explain(op string, err error) error {
	var e *task.Error
	if errors.Is(err, task.ErrUnavailable) && errors.As(err, &e) && strings.Contains(e.Detail, "connection error") {
		return refused(op, l.unreachable(dialFault(e.Detail)))
	}
	return err
}

// dialFault returns the useful part of a gRPC error: nothing if the socket does not
// exist or no broker listens on it, since "does not answer" already says so.
func dialFault(words string) string {
	if strings.Contains(words, "connect: no such file") || strings.Contains(words, "connection refused") {
		return ""
	}
	return strings.Trim(words[strings.LastIndex(words, "desc = ")+len("desc = "):], `"`)
}

func (l *link) unreachable(why string) error {
	e := &task.Error{
		Err:    task.ErrUnavailable,
		Detail: "the broker does not answer on " + l.socket,
		Hint:   "'bgtask doctor' diagnoses the cause; 'systemctl --user start bgtask' starts it",
	}
	if why != "" {
		e.Detail += ": " + why
	}
	return e
}

// refused adds the operation to err, unless it has one.
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
