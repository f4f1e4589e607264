package client

import (
	"context"
	"log/slog"

	"github.com/bgtask/bgtask/task"
)

// Handler is told what the broker wants of a host. Its methods are called one at
// a time and must not block.
type Handler interface {
	// Activate enters Run; an error refuses the activation and revokes the object.
	Activate(a task.Activation) error
	// Cancel tells a run why it must stop. It may come again with another reason,
	// and for an instance that is over.
	Cancel(instance task.GUID, reason task.CancellationReason)
}

// Host is a process with class objects, kept attached to the broker.
type Host struct {
	Broker  Broker
	Handler Handler
	Token   task.LaunchToken // of this process; zero: the user started it
	Logger  *slog.Logger     // nil: slog.Default
}

// Run attaches, and attaches again when the stream is lost, until ctx ends. Then
// it waits until outcomes are acknowledged: for five minutes when the broker is
// gone. It returns nil after ctx has ended or Leave was confirmed, and an error
// when the broker refuses the host.
func (h *Host) Run(ctx context.Context) error { return errNotYet }

// SetObjects replaces the class objects, from the first attach on.
func (h *Host) SetObjects(objects ...task.Object) {}

// Progress tells a run's progress: at most 10 a second, the last one always.
func (h *Host) Progress(instance task.GUID, value uint32) {}

// SaveCheckpoint returns when data is durable, or refused, or ctx ends.
func (h *Host) SaveCheckpoint(ctx context.Context, instance task.GUID, data []byte) error {
	return errNotYet
}

// Finish gives a run's result, which is repeated until it is acknowledged.
func (h *Host) Finish(instance task.GUID, result task.Result) {}

// Leave asks whether the host may exit. When it may, Run returns nil. It may not
// while an activation is on its way.
func (h *Host) Leave(ctx context.Context) (bool, error) { return false, errNotYet }
