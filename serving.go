package bgtask

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

// serving is the state of one call of Serve: the classes, the live runs, and the host
// that holds the stream to the broker.
type serving struct {
	client   *Client
	host     client.ClassHost
	launched bool // the broker started this process
	linger   time.Duration

	mu      sync.Mutex
	classes map[GUID]Class
	order   []GUID
	hidden  bool
	closing bool
	runs    map[GUID]*Instance
	changed chan struct{} // signals that a run began or ended; holds one signal
	working sync.WaitGroup
	base    context.Context // parent of the runs' contexts; ends after all runs
}

func newServing(c *Client, broker client.Broker, classes []Class, linger time.Duration) *serving {
	sv := &serving{
		client: c, linger: linger, classes: make(map[GUID]Class), runs: make(map[GUID]*Instance), changed: make(chan struct{}, 1),
	}
	for _, class := range classes {
		sv.classes[class.CLSID] = class
		sv.order = append(sv.order, class.CLSID)
	}
	launch := c.launchToken()
	sv.launched = !launch.IsZero()
	sv.host = client.NewHost(broker, sv, launch, c.Logger)
	return sv
}

func (sv *serving) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	base, release := context.WithCancel(context.WithoutCancel(ctx))
	defer release()
	sv.base = base
	var background sync.WaitGroup
	background.Go(func() {
		<-ctx.Done()
		sv.terminate()
	})
	if sv.launched {
		background.Go(func() { sv.leaveWhenIdle(ctx, stop) })
	}
	err := sv.host.Run(ctx)
	stop() // the host has ended, so the runs end, too
	background.Wait()
	sv.working.Wait()
	return err
}

// Activate starts a run in its own goroutine.
func (sv *serving) Activate(a task.Activation) error {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	class, ok := sv.classes[a.CLSID]
	switch {
	case sv.closing:
		return fmt.Errorf("%w: this process is ending", ErrUnavailable)
	case !ok:
		return fmt.Errorf("%w: class %v is not served here", ErrClassNotDeclared, a.CLSID)
	}
	if class.SingleUse {
		delete(sv.classes, a.CLSID)
		sv.publish()
	}
	ctx, cancel := context.WithCancelCause(sv.base)
	i := &Instance{
		activation: a, task: &Registration{client: sv.client, id: a.TaskID, spec: a.Spec}, host: sv, cancel: cancel, working: 1,
	}
	sv.runs[a.Instance] = i
	sv.note()
	sv.working.Go(func() { i.execute(ctx, class.Task) })
	return nil
}

// Cancel cancels a run. A run that is not live is ignored.
func (sv *serving) Cancel(instance task.GUID, reason task.CancellationReason) {
	sv.mu.Lock()
	i := sv.runs[instance]
	sv.mu.Unlock()
	if i != nil {
		i.stop(reason)
	}
}

// Progress implements host.
func (sv *serving) Progress(instance task.GUID, value uint32) { sv.host.Progress(instance, value) }

// SaveCheckpoint implements host.
func (sv *serving) SaveCheckpoint(ctx context.Context, instance task.GUID, data []byte) error {
	return sv.host.SaveCheckpoint(ctx, instance, data)
}

// Listener implements host.
func (sv *serving) Listener(ctx context.Context, instance task.GUID) (*os.File, error) {
	return sv.host.Listener(ctx, instance)
}

// Finish implements host.
func (sv *serving) Finish(instance task.GUID, result task.Result) {
	sv.host.Finish(instance, result)
	sv.mu.Lock()
	delete(sv.runs, instance)
	sv.note()
	sv.mu.Unlock()
}

// terminate refuses further activations and cancels all runs with Terminating.
func (sv *serving) terminate() {
	sv.mu.Lock()
	sv.closing = true
	live := make([]*Instance, 0, len(sv.runs))
	for _, i := range sv.runs {
		live = append(live, i)
	}
	sv.mu.Unlock()
	for _, i := range live {
		i.stop(ReasonTerminating)
	}
}

func (sv *serving) suspend(hidden bool) {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	sv.hidden = hidden
	sv.publish()
}

// publish reports the current class objects to the broker.
func (sv *serving) publish() {
	var objects []task.Object
	for _, id := range sv.order {
		if class, ok := sv.classes[id]; ok {
			objects = append(objects, task.Object{CLSID: id, SingleUse: class.SingleUse, Suspended: sv.hidden})
		}
	}
	if !sv.closing {
		sv.host.SetObjects(objects...)
	}
}

func (sv *serving) note() {
	select {
	case sv.changed <- struct{}{}:
	default:
	}
}

// remaining returns how long a launched process stays without a run: not at all when
// no class is left. idle is false while a run is live.
func (sv *serving) remaining() (d time.Duration, idle bool) {
	sv.mu.Lock()
	defer sv.mu.Unlock()
	switch {
	case len(sv.runs) > 0:
		return 0, false
	case len(sv.classes) == 0:
		return 0, true
	}
	return sv.linger, true
}

// leaveWhenIdle calls stop when a launched process has had no run for the linger
// time, and the broker agrees or no longer answers.
func (sv *serving) leaveWhenIdle(ctx context.Context, stop func()) {
	timer := time.NewTimer(sv.linger)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-sv.changed:
			timer.Stop()
			if d, idle := sv.remaining(); idle {
				timer.Reset(d)
			}
		case <-timer.C:
			if !sv.leave(ctx) {
				timer.Reset(sv.linger)
				continue
			}
			stop()
			return
		}
	}
}

func (sv *serving) leave(ctx context.Context) bool {
	asking, done := context.WithTimeout(ctx, task.AdoptionWindow)
	defer done()
	left, err := sv.host.Leave(asking)
	return left || err != nil
}
