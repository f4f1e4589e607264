package bgtask

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/platform"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Client is a connection to the broker. The zero Client is ready to use: it connects
// at the first request, reconnects by itself, and starts a broker if none is running.
// A Client is safe for concurrent use. Its fields must not change after first use.
type Client struct {
	Package string       // family name; "": the package whose folder holds this executable, else an implied one
	Socket  string       // path of the broker's socket; "": the user's broker. Windows has no socket
	Logger  *slog.Logger // nil: slog.Default

	mu      sync.Mutex
	broker  client.Broker
	token   func() task.LaunchToken // nil: the one this process was launched with
	serving bool
	warned  map[string]bool
}

// warn logs the broker's warnings about a task. Each distinct warning is logged once,
// so that a program with a hundred tasks does not repeat it a hundred times.
func (c *Client) warn(name string, warnings []string) {
	for _, warning := range warnings {
		c.mu.Lock()
		logged := c.warned[warning]
		if c.warned == nil {
			c.warned = map[string]bool{}
		}
		c.warned[warning] = true
		c.mu.Unlock()
		if !logged {
			c.logger().Warn("bgtask: "+warning, "task", name)
		}
	}
}

// NewTestClient returns a Client whose broker is the given one instead of the
// user's. A Server with this Client behaves as in a launched process if token is
// not zero. It exists for package bgtasktest: the type of its first argument is
// internal, so only this module can call it with a broker. Tests of applications
// use bgtasktest.Machine.Client.
func NewTestClient(broker client.Broker, token task.LaunchToken) *Client {
	return &Client{broker: broker, token: func() task.LaunchToken { return token }}
}

// DefaultClient is the Client of the package's functions, and of a Builder or Server
// whose Client is nil.
var DefaultClient = new(Client)

// AllTasks lists the application's registrations: without groups those that are in
// no group, otherwise those in any of the groups.
func (c *Client) AllTasks(ctx context.Context, groups ...string) (tasks []*Registration, err error) {
	err = c.do(func(b client.Broker) error {
		infos, err := b.Tasks(ctx, wire.TaskQuery{Groups: groups})
		for _, info := range infos {
			tasks = append(tasks, &Registration{client: c, id: info.TaskID, spec: info.Spec})
		}
		return err
	})
	return tasks, err
}

// AllTaskGroups lists the groups of the application's registrations.
func (c *Client) AllTaskGroups(ctx context.Context) (groups []string, err error) {
	err = c.do(func(b client.Broker) error {
		groups, err = b.Groups(ctx)
		return err
	})
	return groups, err
}

// Watch returns the events of the application's tasks as they happen. If since is "",
// it begins with one EventSnapshot per task and EventSynced. If since is the Cursor
// of an earlier event, it begins with every event stored after that one, without
// gaps; a cursor older than the history that is kept fails with ErrCursorExpired.
//
// The sequence continues across restarts of the broker and ends when ctx does.
// Watchers that fall too far behind fail with ErrWatchLagged and can resume with
// their last cursor.
func (c *Client) Watch(ctx context.Context, since Cursor) iter.Seq2[Event, error] {
	return c.watch(ctx, wire.WatchQuery{Since: since})
}

func (c *Client) watch(ctx context.Context, q wire.WatchQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		broker, err := c.connect()
		if err != nil {
			yield(Event{}, err)
			return
		}
		broker.Watch(ctx, q)(yield)
	}
}

// RequestAccess returns whether the application's tasks may run. It does not ask the
// user: the answer is the policy's, or the user's earlier decision with
// "bgtask access".
func (c *Client) RequestAccess(ctx context.Context) (access AccessStatus, err error) {
	err = c.do(func(b client.Broker) error {
		access, err = b.RequestAccess(ctx)
		return err
	})
	return access, err
}

// LocalFolder returns the path of the application's data folder, which exists.
func (c *Client) LocalFolder(ctx context.Context) (folder string, err error) {
	err = c.do(func(b client.Broker) error {
		folder, err = b.LocalFolder(ctx)
		return err
	})
	return folder, err
}

// Facts lists what the broker knows about the machine now.
func (c *Client) Facts(ctx context.Context) (facts []Fact, err error) {
	err = c.do(func(b client.Broker) error {
		facts, _, err = b.Facts(ctx)
		return err
	})
	return facts, err
}

// Raise raises an event, which fires the application's CustomSystemEventTriggers with
// that ID. A payload over 64 KiB fails with ErrLimit. When Raise returns nil, every
// firing it caused is stored.
func (c *Client) Raise(ctx context.Context, eventID string, payload []byte) error {
	if n := len(payload); n > task.MaxPayload {
		return tooLarge("raise", eventID, "the payload", n)
	}
	return c.do(func(b client.Broker) error {
		_, err := b.Raise(ctx, eventID, payload)
		return err
	})
}

// Close closes the connection. The Client connects again when it is used again.
func (c *Client) Close() error {
	c.mu.Lock()
	broker := c.broker
	c.mu.Unlock()
	if broker == nil {
		return nil
	}
	return broker.Close()
}

// AllTasks lists the application's registrations with DefaultClient.
func AllTasks(ctx context.Context, groups ...string) ([]*Registration, error) {
	return DefaultClient.AllTasks(ctx, groups...)
}

// AllTaskGroups lists the application's groups with DefaultClient.
func AllTaskGroups(ctx context.Context) ([]string, error) { return DefaultClient.AllTaskGroups(ctx) }

// Watch returns the events of the application's tasks with DefaultClient.
func Watch(ctx context.Context, since Cursor) iter.Seq2[Event, error] {
	return DefaultClient.Watch(ctx, since)
}

// RequestAccess returns whether the application's tasks may run, with DefaultClient.
func RequestAccess(ctx context.Context) (AccessStatus, error) {
	return DefaultClient.RequestAccess(ctx)
}

// LocalFolder returns the application's data folder with DefaultClient.
func LocalFolder(ctx context.Context) (string, error) { return DefaultClient.LocalFolder(ctx) }

// Facts lists what the broker knows about the machine, with DefaultClient.
func Facts(ctx context.Context) ([]Fact, error) { return DefaultClient.Facts(ctx) }

// Raise raises an event with DefaultClient.
func Raise(ctx context.Context, eventID string, payload []byte) error {
	return DefaultClient.Raise(ctx, eventID, payload)
}

// connect returns the broker of c: a recorder in a process that a tool started to
// learn what it registers, else the platform's.
func (c *Client) connect() (client.Broker, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broker == nil {
		if r := describing(); r != nil {
			return r, nil
		}
		broker, err := platform.Dial(c.Package, c.Socket, c.Logger)
		if err != nil {
			return nil, err
		}
		c.broker = broker
	}
	return c.broker, nil
}

func (c *Client) do(f func(client.Broker) error) error {
	broker, err := c.connect()
	if err != nil {
		return err
	}
	return f(broker)
}

// launchToken returns the token that a Server of c presents to the broker.
func (c *Client) launchToken() task.LaunchToken {
	if c.token != nil {
		return c.token()
	}
	return platform.LaunchToken()
}

func (c *Client) logger() *slog.Logger {
	if c.Logger != nil {
		return c.Logger
	}
	return slog.Default()
}

func tooLarge(op, subject, what string, n int) error {
	return &Error{
		Op: op, Subject: subject, Err: ErrLimit,
		Detail: fmt.Sprintf("%s: %d bytes; at most %d are allowed", what, n, task.MaxPayload), Hint: "put the data into a file in the LocalFolder",
	}
}
