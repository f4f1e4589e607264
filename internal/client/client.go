package client

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"time"

	"github.com/bgtask/bgtask/internal/wire"
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
}

var errNotYet = errors.New("not yet")

// NoStart is a Start that starts nothing.
func NoStart(context.Context, string) error { return task.ErrUnavailable }

// Close closes the connection; the Client dials again when it is used again.
func (c *Client) Close() error { return nil }

// Register registers spec.
func (c *Client) Register(ctx context.Context, spec task.Spec, how Registering) (wire.Registered, error) {
	return wire.Registered{}, errNotYet
}

// Unregister removes a registration; cancel also cancels its live run.
func (c *Client) Unregister(ctx context.Context, id task.GUID, cancel bool) error { return errNotYet }

// Fire fires a registration and gives the occurrence's number.
func (c *Client) Fire(ctx context.Context, id task.GUID, how Firing) (uint64, error) {
	return 0, errNotYet
}

// Raise raises an event and names the tasks that took it, PACKAGE/NAME.
func (c *Client) Raise(ctx context.Context, eventID string, payload []byte) ([]string, error) {
	return nil, errNotYet
}

// Cancel cancels the live run; kill also ends a process that the user started.
func (c *Client) Cancel(ctx context.Context, id task.GUID, reason task.CancellationReason, kill bool) error {
	return errNotYet
}

// Resume ends a suspension or a back-off.
func (c *Client) Resume(ctx context.Context, id task.GUID) error { return errNotYet }

// RequestAccess asks whether the caller's tasks may run.
func (c *Client) RequestAccess(ctx context.Context) (task.AccessStatus, error) { return 0, errNotYet }

// SetAccess is the user's word on a package.
func (c *Client) SetAccess(ctx context.Context, family string, access task.AccessStatus) error {
	return errNotYet
}

// Install installs the package of a folder or file, or updates it.
func (c *Client) Install(ctx context.Context, path string) (task.Package, error) {
	return task.Package{}, errNotYet
}

// Uninstall removes a package.
func (c *Client) Uninstall(ctx context.Context, family string, keepData bool) error { return errNotYet }

// OverrideFact sets a fact, for testing, until the broker ends or for a time.
func (c *Client) OverrideFact(ctx context.Context, name string, value task.Value, lasts time.Duration) error {
	return errNotYet
}

// ClearOverride ends one override, or all when name is empty.
func (c *Client) ClearOverride(ctx context.Context, name string) error { return errNotYet }

// Stop cancels all runs, waits for them at most within (zero: the cancel grace),
// and ends the broker. It starts none.
func (c *Client) Stop(ctx context.Context, within time.Duration) error { return errNotYet }

// ReportFacts lets an external source report facts for as long as ctx lasts: it
// sends what reports yields, and returns when reports ends, ctx ends or the
// broker refuses. Names of facts have the source's prefix, "source/fact".
func (c *Client) ReportFacts(ctx context.Context, source string, reports iter.Seq[[]task.Fact]) error {
	return errNotYet
}

// Tasks lists registrations, sorted by package, name and TaskID.
func (c *Client) Tasks(ctx context.Context, q wire.TaskQuery) ([]task.Info, error) {
	return nil, errNotYet
}

// Task shows one registration.
func (c *Client) Task(ctx context.Context, id task.GUID) (task.Info, error) {
	return task.Info{}, errNotYet
}

// Groups lists the groups that registrations are in.
func (c *Client) Groups(ctx context.Context) ([]string, error) { return nil, errNotYet }

// Why explains why a task does not run, or why it does.
func (c *Client) Why(ctx context.Context, id task.GUID) (task.Explanation, error) {
	return task.Explanation{}, errNotYet
}

// Facts lists all facts and all sources, each sorted by name.
func (c *Client) Facts(ctx context.Context) ([]task.Fact, []task.SourceState, error) {
	return nil, nil, errNotYet
}

// Packages lists packages, sorted by family name.
func (c *Client) Packages(ctx context.Context) ([]task.Package, error) { return nil, errNotYet }

// History reads stored events, newest first.
func (c *Client) History(ctx context.Context, q wire.HistoryQuery) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) { yield(task.Event{}, errNotYet) }
}

// Logs reads the kept output of launched servers, oldest first.
func (c *Client) Logs(ctx context.Context, q wire.LogsQuery) iter.Seq2[task.Output, error] {
	return func(yield func(task.Output, error) bool) { yield(task.Output{}, errNotYet) }
}

// Watch tells what happens, from a snapshot or a cursor on, until ctx ends; then
// it just stops. It comes back by itself when the broker was restarted or it was
// too slow, and misses nothing that is stored.
func (c *Client) Watch(ctx context.Context, q wire.WatchQuery) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) { yield(task.Event{}, errNotYet) }
}

// LocalFolder names the folder of the caller's data; it exists.
func (c *Client) LocalFolder(ctx context.Context) (string, error) { return "", errNotYet }

// Status tells of the broker itself.
func (c *Client) Status(ctx context.Context) (task.Status, error) { return task.Status{}, errNotYet }

// Attach opens a host's stream.
func (c *Client) Attach(ctx context.Context) (Stream, error) { return nil, errNotYet }
