package bgtask

import (
	"context"
	"slices"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/platform"
	"github.com/bgtask/bgtask/task"
)

// Builder says what is to be registered. Nothing happens before Register or
// Ensure, which validate first. Zero fields are the defaults.
type Builder struct {
	Name                  string        // required; at most 256 bytes, no "/" and no control characters
	EntryPoint            GUID          // the class that runs the task
	Trigger               Trigger       // exactly one
	Conditions            []Condition   // all must hold; OrUnknown lets one count as holding while it is unsure
	CancelOnConditionLoss bool          // cancel the run when one fails meanwhile; it runs again when they hold
	Group                 string        // grouped tasks are not in AllTasks
	Retry                 RetryPolicy   // 5 attempts, 10 s, each time four times longer, to 1 h
	Misfire               Misfire       // RunOnce; or Skip; or RunAll up to Max
	Hold                  Hold          // for ever; or for a time, then Drop or RunAnyway
	Queue                 int           // 0: firings coalesce; n: up to n separate occurrences wait
	Exclusive             string        // tasks of one package with the same key never run at once
	RunLimit              time.Duration // 0: what the policy says

	Client *Client // nil: DefaultClient
}

// Register makes a new registration, always, as on Windows.
func (b Builder) Register(ctx context.Context) (*Registration, error) {
	return b.register(ctx, client.Registering{})
}

// Ensure registers the task once: an equal registration of its Name and Group is
// left as it is, its timer's phase and what it waits for included; a different one
// is updated and keeps its TaskID. Call it at every start of the program.
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

// Validate needs no broker and returns all faults joined; nil when there is none.
// PortableToWindows is a Rule. In a program for Windows, what Windows has no equal
// of is a fault: ErrNotSupportedOnWindows.
func (b Builder) Validate(rules ...Rule) error { return platform.Validate(b.spec(), rules...) }

func (b Builder) client() *Client {
	if b.Client != nil {
		return b.Client
	}
	return DefaultClient
}

// spec has slices of its own: a Registration outlives what the caller does to its
// Builder.
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
