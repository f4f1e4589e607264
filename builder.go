package bgtask

import (
	"context"
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/platform"
	"github.com/bgtask/bgtask/task"
)

// Builder describes a registration. Fields that are zero have their defaults.
// Nothing happens before Register or Ensure, which validate first.
type Builder struct {
	Name                  string        // required; at most 256 bytes, no "/" and no control characters
	EntryPoint            GUID          // the class that runs the task
	Trigger               Trigger       // exactly one
	Conditions            []Condition   // all must hold before a run starts; at most 16; see OrUnknown
	CancelOnConditionLoss bool          // cancel the run when a condition fails; it runs again when all hold
	Group                 string        // AllTasks lists a group only by its name
	Retry                 RetryPolicy   // default: 5 attempts; waits of 10 s, 40 s, ... at most 1 h
	Misfire               Misfire       // default: RunOnce
	Hold                  Hold          // default: an occurrence is held forever
	Queue                 int           // 0: firings coalesce; n: up to n occurrences wait, at most 1,000
	Exclusive             string        // tasks of one package with the same key never run concurrently
	RunLimit              time.Duration // awake time a run may take; 0: the limit of the policy, if it has one

	Client *Client // nil: DefaultClient
}

// Register makes a new registration, also when one with the same name exists, as on
// Windows. When it returns, the registration is stored and survives a power loss. An
// invalid Builder fails with the error of Validate, without asking the broker.
func (b Builder) Register(ctx context.Context) (*Registration, error) {
	return b.register(ctx, client.Registering{})
}

// Ensure registers the task unless an equal registration with its Name and Group
// exists. An equal one is left untouched, including its timer phase and pending
// occurrences. A different one is updated in place and keeps its TaskID; a changed
// trigger ends what is pending. Call Ensure at every start of the program.
func (b Builder) Ensure(ctx context.Context) (*Registration, error) {
	return b.register(ctx, client.Registering{Ensure: true})
}

func (b Builder) register(ctx context.Context, how client.Registering) (*Registration, error) {
	spec := b.spec()
	c := b.client()
	broker, err := c.connect()
	if err != nil {
		return nil, err
	}
	if err := client.Validate(broker, spec); err != nil {
		return nil, &Error{Op: "register", Err: err}
	}
	registered, err := broker.Register(ctx, spec, how)
	if err != nil {
		return nil, err
	}
	c.warn(spec.Name, registered.Warnings)
	return &Registration{client: c, id: registered.TaskID, spec: spec}, nil
}

// Validate checks b without a broker, by the given rules too, and returns all faults
// joined, or nil. PortableToWindows is a Rule. In a program built for Windows, an
// option that Windows has no equal of is a fault: ErrNotSupportedOnWindows.
func (b Builder) Validate(rules ...Rule) error { return platform.Validate(b.spec(), rules...) }

func (b Builder) client() *Client {
	if b.Client != nil {
		return b.Client
	}
	return DefaultClient
}

// spec copies the slices, so that a Registration does not change with its Builder.
func (b Builder) spec() task.Spec {
	return task.Spec{
		Name:                  b.Name,
		EntryPoint:            b.EntryPoint,
		Trigger:               b.Trigger,
		Conditions:            slices.Clone(b.Conditions),
		CancelOnConditionLoss: b.CancelOnConditionLoss,
		Group:                 b.Group,
		Retry:                 b.Retry,
		Misfire:               b.Misfire,
		Hold:                  b.Hold,
		Queue:                 b.Queue,
		Exclusive:             b.Exclusive,
		RunLimit:              b.RunLimit,
	}
}

func builderOf(s task.Spec, c *Client) Builder {
	return Builder{
		Name:                  s.Name,
		EntryPoint:            s.EntryPoint,
		Trigger:               s.Trigger,
		Conditions:            slices.Clone(s.Conditions),
		CancelOnConditionLoss: s.CancelOnConditionLoss,
		Group:                 s.Group,
		Retry:                 s.Retry,
		Misfire:               s.Misfire,
		Hold:                  s.Hold,
		Queue:                 s.Queue,
		Exclusive:             s.Exclusive,
		RunLimit:              s.RunLimit,
		Client:                c,
	}
}
