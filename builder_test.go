package bgtask_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// registry is a broker that records what was registered and fired.
type registry struct {
	client.NoBroker
	spec  task.Spec
	how   client.Registering
	fired client.Firing
}

func (r *registry) Register(_ context.Context, spec task.Spec, how client.Registering) (wire.Registered, error) {
	r.spec, r.how = spec, how
	return wire.Registered{TaskID: task.GUID{7}}, nil
}

func (r *registry) Fire(_ context.Context, _ task.GUID, how client.Firing) (uint64, error) {
	r.fired = how
	return 3, nil
}

func full() bgtask.Builder {
	return bgtask.Builder{
		Name:                  "SyncNotes",
		EntryPoint:            bgtask.MustGUID("b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a11"),
		Trigger:               bgtask.TimeTrigger{Freshness: 30 * time.Minute},
		Conditions:            []bgtask.Condition{bgtask.InternetAvailable, bgtask.OrUnknown(bgtask.BatteryNotLow)},
		CancelOnConditionLoss: true,
		Group:                 "sync",
		Retry:                 bgtask.RetryPolicy{Attempts: 8, First: 30 * time.Second, Limit: time.Hour},
		Misfire:               bgtask.Misfire{Policy: bgtask.RunAll, Max: 3},
		Hold:                  bgtask.Hold{AtMost: time.Hour, Then: bgtask.RunAnyway},
		Queue:                 2,
		Exclusive:             "store",
		RunLimit:              10 * time.Minute,
	}
}

// TestSpecReadsBack checks that Registration.Spec returns every field of the Builder.
func TestSpecReadsBack(t *testing.T) {
	r := &registry{}
	b := full()
	b.Client = bgtask.NewTestClient(r, task.LaunchToken{})
	reg, err := b.Ensure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !r.how.Ensure || reg.TaskID() != (bgtask.GUID{7}) || reg.Name() != "SyncNotes" {
		t.Errorf("registered %v %s, %+v", reg.TaskID(), reg.Name(), r.how)
	}
	b.Conditions[0] = bgtask.ACPower // the registration must not change with it
	want := full()
	if diff := cmp.Diff(want, reg.Spec(), cmpopts.IgnoreFields(bgtask.Builder{}, "Client")); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
	if reg.Spec().Client != b.Client {
		t.Error("Spec does not have the client")
	}
	if _, err := b.Register(t.Context()); err != nil || r.how.Ensure {
		t.Errorf("Register: %+v, %v", r.how, err)
	}
}

// TestRegisterValidates checks that an invalid Builder fails before the broker is asked.
func TestRegisterValidates(t *testing.T) {
	b := bgtask.Builder{Client: bgtask.NewTestClient(client.NoBroker{Err: errors.New("the broker was asked")}, task.LaunchToken{})}
	if _, err := b.Register(t.Context()); !errors.Is(err, bgtask.ErrInvalid) || bgtask.Hint(err) == "" {
		t.Errorf("got %v", err)
	}
	if err := b.Validate(); !errors.Is(err, bgtask.ErrInvalid) {
		t.Errorf("Validate gave %v", err)
	}
	short := full()
	short.Trigger = bgtask.TimeTrigger{Freshness: time.Minute}
	if err := errors.Join(short.Validate(), full().Validate()); errors.Is(err, bgtask.ErrNotSupportedOnWindows) != onWindows || err != nil && !onWindows {
		t.Error(err)
	}
	if err := short.Validate(bgtask.PortableToWindows); err == nil {
		t.Error("a minute is portable to Windows")
	}
}

// TestRequest checks that a request fires an ApplicationTrigger as the application's, and
// any other trigger manually.
func TestRequest(t *testing.T) {
	for _, c := range []struct {
		trigger bgtask.Trigger
		byHand  bool
	}{{bgtask.ApplicationTrigger{}, false}, {bgtask.TimeTrigger{Freshness: time.Hour}, true}} {
		r := &registry{}
		b := full()
		b.Misfire, b.Hold = bgtask.Misfire{}, bgtask.Hold{}
		b.Trigger, b.Client = c.trigger, bgtask.NewTestClient(r, task.LaunchToken{})
		reg, err := b.Ensure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n, err := reg.Request(t.Context(), []byte("x")); n != 3 || err != nil || r.fired.ByHand != c.byHand || string(r.fired.Arguments) != "x" {
			t.Errorf("%T: %d, %v, %+v", c.trigger, n, err, r.fired)
		}
		if _, err := reg.Request(t.Context(), make([]byte, task.MaxPayload+1)); !errors.Is(err, bgtask.ErrLimit) {
			t.Errorf("large arguments: %v", err)
		}
	}
}
