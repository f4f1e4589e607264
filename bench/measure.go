//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/bgtask/bgtask"
)

var (
	warmClass = bgtask.MustGUID("a2c1a1c0-0001-4000-8000-0000000be9c4")
	coldClass = bgtask.MustGUID("a2c1a1c0-0002-4000-8000-0000000be9c4")
	idleClass = bgtask.MustGUID("a2c1a1c0-0003-4000-8000-0000000be9c4")
)

// server returns what the launched process serves: a task that reports that it was
// entered, to the socket named in its arguments.
func server() []bgtask.Class {
	return []bgtask.Class{{CLSID: coldClass, SingleUse: true, Task: bgtask.TaskFunc(func(ctx context.Context, i *bgtask.Instance) error {
		d, _ := i.TriggerDetails().(bgtask.ApplicationTriggerDetails)
		c, err := new(net.Dialer).DialContext(ctx, "unixgram", string(d.Arguments))
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("entered"))
		return err
	})}}
}

// serve serves classes in this process until stop is called.
func serve(ctx context.Context, b *broker, classes ...bgtask.Class) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		s := bgtask.Server{Classes: classes, Client: b.client}
		_ = s.Serve(ctx)
	})
	return func() { cancel(); done.Wait() }
}

// request retries until the last run's end is recorded, because only then the next run
// can begin.
func request(ctx context.Context, reg *bgtask.Registration, arguments []byte) error {
	for {
		_, err := reg.Request(ctx, arguments)
		if !errors.Is(err, bgtask.ErrCurrentlyRunning) {
			return err
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// warm measures the time until a request is durably accepted and its run is entered in
// this running application.
func warm(ctx context.Context, t *table, b *broker, f floors, n rounds) error {
	entered := make(chan time.Time, 1)
	stop := serve(ctx, b, bgtask.Class{CLSID: warmClass, Task: bgtask.TaskFunc(func(context.Context, *bgtask.Instance) error {
		entered <- time.Now()
		return nil
	})})
	defer stop()
	reg, err := bgtask.Builder{Name: "warm", EntryPoint: warmClass, Trigger: bgtask.ApplicationTrigger{}, Client: b.client}.Ensure(ctx)
	if err != nil {
		return err
	}
	var times []time.Duration
	for range n.warm {
		for {
			state, err := reg.State(ctx)
			if err != nil {
				return err
			}
			if state.Phase == bgtask.Waiting {
				break
			}
		}
		began := time.Now()
		if err := request(ctx, reg, nil); err != nil {
			return err
		}
		select {
		case at := <-entered:
			times = append(times, at.Sub(began))
		case <-time.After(10 * time.Second):
			return errors.New("warm: Run was not entered within 10 s")
		}
	}
	p := quantile(times, 0.5)
	t.row("warm: fired -> Run entered", fmt.Sprintf("%s p50, %s p99", short(p), short(quantile(times, 0.99))), "<= 1 ms p50",
		fmt.Sprintf("%.1f x (fsync + 2 round trips)", ratio(p, f.fsync+2*f.roundTrip)))
	return nil
}

// cold measures the same in a server that must be launched.
func cold(ctx context.Context, t *table, b *broker, f floors, n rounds) error {
	socket := filepath.Join(filepath.Dir(b.socket), "entered.sock")
	c, err := net.ListenPacket("unixgram", socket)
	if err != nil {
		return err
	}
	defer c.Close()
	reg, err := bgtask.Builder{Name: "cold", EntryPoint: coldClass, Trigger: bgtask.ApplicationTrigger{}, Client: b.client}.Ensure(ctx)
	if err != nil {
		return err
	}
	var times []time.Duration
	for range n.cold {
		if err := settled(ctx, reg); err != nil {
			return err
		}
		began := time.Now()
		if err := request(ctx, reg, []byte(socket)); err != nil {
			return err
		}
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, _, err := c.ReadFrom(make([]byte, 16)); err != nil {
			why, _ := reg.Why(ctx)
			return fmt.Errorf("cold: %w\n%v", err, why)
		}
		times = append(times, time.Since(began))
	}
	p := quantile(times, 0.5)
	t.row("cold: fired -> Run entered", fmt.Sprintf("%s p50, %s p99", short(p), short(quantile(times, 0.99))), "<= 4 x exec",
		fmt.Sprintf("%.1f x fork+exec+first line", ratio(p, f.exec)))
	return nil
}

// settled waits until no run of reg is live.
func settled(ctx context.Context, reg *bgtask.Registration) error {
	for {
		state, err := reg.State(ctx)
		if err != nil || state.Phase == bgtask.Waiting {
			return err
		}
		time.Sleep(200 * time.Microsecond)
	}
}

func register(ctx context.Context, t *table, b *broker, f floors, n rounds) error {
	i := 0
	p, err := p50(n.register, func() error {
		i++
		_, err := bgtask.Builder{Name: fmt.Sprint("register", i), EntryPoint: idleClass, Trigger: bgtask.TimeTrigger{Freshness: time.Hour}, Client: b.client}.Register(ctx)
		return err
	})
	if err != nil {
		return err
	}
	t.row("register, durable", short(p)+" p50", "<= 2 ms p50", fmt.Sprintf("%.1f x (fsync + round trip)", ratio(p, f.fsync+f.roundTrip)))
	return nil
}

// firings measures accepted, durable firings per second with sixteen concurrent
// callers.
func firings(ctx context.Context, t *table, b *broker, f floors, n rounds) error {
	one, err := bgtask.Builder{Name: "one", EntryPoint: idleClass, Trigger: bgtask.CustomSystemEventTrigger{ID: "bench-one", Recurrence: bgtask.Always},
		Conditions: []bgtask.Condition{bgtask.DeviceIdle, bgtask.UserNotPresent}, Client: b.client}.Ensure(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = one.Unregister(ctx, false) }()
	took, err := raise(ctx, b, n.fire, "bench-one")
	if err != nil {
		return err
	}
	t.row("firings/s, one registration", fmt.Sprintf("%.0f", float64(n.fire)/took.Seconds()), "", fmt.Sprintf("%.0f fsyncs/s", 1/f.fsync.Seconds()))
	const fan = 1000
	for i := range fan {
		if _, err := (bgtask.Builder{Name: fmt.Sprint("fan", i), EntryPoint: idleClass, Trigger: bgtask.CustomSystemEventTrigger{ID: "bench-fan", Recurrence: bgtask.Always},
			Conditions: []bgtask.Condition{bgtask.DeviceIdle, bgtask.UserNotPresent}, Client: b.client}).Register(ctx); err != nil {
			return err
		}
	}
	raises := max(n.fire/fan, 1)
	if took, err = raise(ctx, b, raises, "bench-fan"); err != nil {
		return err
	}
	t.row("firings/s, 1,000 registrations", fmt.Sprintf("%.0f", float64(raises*fan)/took.Seconds()), "", fmt.Sprintf("%d raises of one event", raises))
	return nil
}

func raise(ctx context.Context, b *broker, n int, event string) (time.Duration, error) {
	const callers = 16
	began := time.Now()
	errs := make(chan error, callers)
	for c := range callers {
		go func() {
			for i := c; i < n; i += callers {
				if err := b.client.Raise(ctx, event, nil); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	var first error
	for range callers {
		if err := <-errs; err != nil && first == nil {
			first = err
		}
	}
	return time.Since(began), first
}

// idle measures a broker with a hundred tasks, nothing due, and no requests.
func idle(ctx context.Context, t *table, binary, dir string, n rounds) error {
	b, err := startBroker(ctx, binary, dir)
	if err != nil {
		return err
	}
	defer b.stop()
	for i := range 100 {
		if _, err := (bgtask.Builder{Name: fmt.Sprint("idle", i), EntryPoint: idleClass, Trigger: bgtask.TimeTrigger{Freshness: time.Hour},
			Conditions: []bgtask.Condition{bgtask.InternetAvailable}, Client: b.client}).Register(ctx); err != nil {
			return err
		}
	}
	if err := b.client.Close(); err != nil {
		return err
	}
	span, settle := 10*time.Second, 8*time.Second
	if n.many < 100_000 {
		span, settle = time.Second, time.Second
	}
	time.Sleep(settle) // Go's runtime returns the memory that the start took
	before := b.wakeUps()
	select {
	case <-time.After(span):
	case <-ctx.Done():
		return ctx.Err()
	}
	t.row("idle: wake-ups in "+span.String(), fmt.Sprint(b.wakeUps()-before), "0", "threads put on a processor, /proc/PID/task/*/schedstat")
	return nil
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }
