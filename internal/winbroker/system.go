package winbroker

import (
	"context"

	"github.com/bgtask/bgtask/internal/winrt"
	"github.com/bgtask/bgtask/task"
)

// system is the part of Windows that is used here. Errors are HRESULTs with the names
// of the calls.
type system interface {
	registry
	classes
}

// registry makes and finds registrations.
type registry interface {
	// Start is called before anything else, and may be called again.
	Start() error
	// Family returns the family name of the package; "" without package identity.
	Family() (string, error)
	LocalFolder(family string) (string, error)

	Register(task.Spec) (task.GUID, error)
	Unregister(id task.GUID, cancel bool) (found bool, err error)
	Tasks() ([]winrt.Registered, error)
	Request(ctx context.Context, id task.GUID, arguments []byte) (answer winrt.RequestAnswer, found bool, err error)
	RequestAccess(context.Context) (task.AccessStatus, error)
	WorkCost() (task.Value, error)
	Subscribe(id task.GUID, e winrt.Events) (stop func(), found bool, err error)
	// Alive reports whether a process holds the mark of a run.
	Alive(instance task.GUID) bool
}

// classes serves task classes.
type classes interface {
	// Publish registers a class, which is hidden until Resume. run is called for each
	// activation, on a thread of the system; the run is over when it returns.
	Publish(class task.GUID, single bool, run func(activation) error) (published, error)
	Resume() error
	Suspend() error
	// Hold counts one more thing that needs the process, and Let one less. When Let
	// returns 0, the classes are suspended and no activation comes any more.
	Hold()
	Let() int
	// Mark shows other processes that a run is alive, until release is called.
	Mark(instance task.GUID) (release func(), err error)
}

// published is a registered class.
type published interface{ Revoke() error }

// activation is the instance that Windows passes to a run.
type activation interface {
	Read() (winrt.Activated, error)
	Canceled(f func(task.CancellationReason)) (remove func() error, err error)
	Defer() (complete func() error, err error)
	Progress(value uint32) error
	Ask() error
	Close()
}
