package client

import (
	"context"
	"iter"
	"log/slog"
	"os"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Broker is a broker as the SDK needs it. Client is one behind the socket; a test
// machine is one in memory.
type Broker interface {
	Register(ctx context.Context, spec task.Spec, how Registering) (wire.Registered, error)
	Unregister(ctx context.Context, id task.GUID, cancel bool) error
	Fire(ctx context.Context, id task.GUID, how Firing) (uint64, error)
	Raise(ctx context.Context, eventID string, payload []byte) ([]string, error)
	Cancel(ctx context.Context, id task.GUID, reason task.CancellationReason, kill bool) error
	Resume(ctx context.Context, id task.GUID) error
	RequestAccess(ctx context.Context) (task.AccessStatus, error)

	ShowToast(ctx context.Context, t task.Toast, pkg string) (task.ToastShown, error)
	HideToast(ctx context.Context, id uint32) error
	PushChannel(ctx context.Context, id task.GUID) (task.PushChannel, error)

	Tasks(ctx context.Context, q wire.TaskQuery) ([]task.Info, error)
	Task(ctx context.Context, id task.GUID) (task.Info, error)
	Groups(ctx context.Context) ([]string, error)
	Why(ctx context.Context, id task.GUID) (task.Explanation, error)
	Facts(ctx context.Context) ([]task.Fact, []task.SourceState, error)
	History(ctx context.Context, q wire.HistoryQuery) iter.Seq2[task.Event, error]
	Watch(ctx context.Context, q wire.WatchQuery) iter.Seq2[task.Event, error]
	LocalFolder(ctx context.Context) (string, error)

	// Attach opens a host's stream, on which the host sends wire.Hello first. The
	// stream ends with ctx. If start is set, a broker may be started if none is
	// running.
	Attach(ctx context.Context, start bool) (Stream, error)
	Close() error
}

// Stream is a host's stream. One goroutine may send while another receives.
type Stream interface {
	Send(wire.HostFrame) error
	Recv() (wire.BrokerFrame, error)
	// CloseSend promises that nothing more will be sent.
	CloseSend() error
}

// Registering holds the options of Register.
type Registering struct {
	Ensure  bool   // update the task with that name and group if there is one
	Unique  bool   // refuse a name that is in use, with ErrConflict
	Package string // set by the command line: the package to register for; "": the caller's
}

// Firing holds the options of Fire.
type Firing struct {
	Arguments []byte
	ByHand    bool // by a person, whatever the trigger
	Now       bool // waive conditions and back-off
}

var _ Broker = (*Client)(nil)

// ClassHost serves the classes of a process. It is a Host, or the broker's own
// implementation.
type ClassHost interface {
	// SetObjects replaces the class objects, starting with the beginning of Run.
	SetObjects(objects ...task.Object)
	Progress(instance task.GUID, value uint32)
	SaveCheckpoint(ctx context.Context, instance task.GUID, data []byte) error
	Listener(ctx context.Context, instance task.GUID) (*os.File, error)
	Finish(instance task.GUID, result task.Result)
	// Leave asks whether the process may exit. If it may, Run returns nil.
	Leave(ctx context.Context) (bool, error)
	Run(ctx context.Context) error
}

// NewHost makes the host for the classes of this process: the broker's own kind, or one
// that uses its stream. A token that is not zero means that the process was launched.
func NewHost(b Broker, handler Handler, token task.LaunchToken, logger *slog.Logger) ClassHost {
	if own, ok := b.(interface {
		NewHost(handler Handler, launched bool) ClassHost
	}); ok {
		return own.NewHost(handler, !token.IsZero())
	}
	return &Host{Broker: b, Handler: handler, Token: token, Logger: logger}
}

// Validate checks a registration before the broker is asked, by the broker's own rules
// or by those that apply everywhere.
func Validate(b Broker, spec task.Spec) error {
	if own, ok := b.(interface{ Validate(spec task.Spec) error }); ok {
		return own.Validate(spec)
	}
	return spec.Validate()
}
