// The host of task classes on Windows: it publishes classes through COM and decides
// when the process may exit. COM counts what needs the process (objects and locks); the
// host adds its runs. A process must not exit while a run is live or an activation may
// still arrive, but it must not stay forever for objects whose client has died.

package winbroker

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/winrt"
	"github.com/bgtask/bgtask/task"
)

// Host serves classes through COM. A Host is run once.
type Host struct {
	broker   *Broker
	handler  client.Handler
	launched bool
	logger   *slog.Logger

	calls sync.Mutex // the handler is called by one goroutine at a time

	mu      sync.Mutex
	objects []task.Object // the wanted ones
	runs    map[task.GUID]*liveRun
	active  time.Time // when the process was last used
	came    bool      // an activation has come
	left    bool

	wake    chan struct{} // signals that objects changed, a run ended, or the host left
	current map[task.GUID]published
	hidden  bool // whether COM hides the classes
}

var _ client.ClassHost = (*Host)(nil)

const (
	// askEvery is how often a run checks whether its broker is still there.
	askEvery = 5 * time.Second

	// forgottenAfter is how long a process stays for unused objects: their client may
	// have died.
	forgottenAfter = task.StartTimeout

	// expectedFor is how long a new process stays for its first activation, however
	// short its linger time is, since the client that started it may be slow.
	expectedFor = task.LingerTime
)

// NewHost makes the host for the classes of this process.
func (b *Broker) NewHost(handler client.Handler, launched bool) client.ClassHost {
	return &Host{
		broker: b, handler: handler, launched: launched, logger: b.logger, active: time.Now(),
		runs: make(map[task.GUID]*liveRun), wake: make(chan struct{}, 1), current: make(map[task.GUID]published), hidden: true,
	}
}

func (h *Host) note() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// SetObjects sets the classes to publish.
func (h *Host) SetObjects(objects ...task.Object) {
	h.mu.Lock()
	h.objects = slices.Clone(objects)
	h.mu.Unlock()
	h.note()
}

// Run serves until ctx ends or Leave has returned true. Nothing is activated after
// that. Run returns when all runs are over; how long that takes is up to the tasks.
func (h *Host) Run(ctx context.Context) error {
	if _, err := h.broker.open("serve"); err != nil {
		return err
	}
	system := h.broker.system
	system.Hold()
	defer h.revoke()
	for {
		if err := h.publish(); err != nil {
			h.letGo()
			return err
		}
		select {
		case <-ctx.Done():
			h.revoke()
			h.drain()
			h.letGo()
			return nil
		case <-h.wake:
			if h.hasLeft() {
				return nil
			}
		}
	}
}

func (h *Host) hasLeft() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.left
}

func (h *Host) letGo() {
	if !h.hasLeft() {
		h.broker.system.Let()
	}
}

// publish makes COM's classes match the wanted ones.
func (h *Host) publish() error {
	h.mu.Lock()
	objects := slices.Clone(h.objects)
	h.mu.Unlock()
	hidden := slices.ContainsFunc(objects, func(o task.Object) bool { return o.Suspended })
	added := false
	for _, o := range objects {
		if _, there := h.current[o.CLSID]; there {
			continue
		}
		p, err := h.broker.system.Publish(o.CLSID, o.SingleUse, func(a activation) error { return h.run(o.CLSID, a) })
		if err != nil {
			return winrt.Explain("serve", o.CLSID.String(), err)
		}
		h.current[o.CLSID], added = p, true
	}
	for id, p := range h.current {
		if !slices.ContainsFunc(objects, func(o task.Object) bool { return o.CLSID == id }) {
			h.take(id, p)
		}
	}
	return winrt.Explain("serve", "", h.hide(hidden, added))
}

// hide hides all classes, or none. A class that was added starts hidden, whatever the
// others are.
func (h *Host) hide(hidden, added bool) error {
	if len(h.current) == 0 || h.hidden == hidden && (hidden || !added) {
		return nil
	}
	h.hidden = hidden
	if hidden {
		return h.broker.system.Suspend()
	}
	return h.broker.system.Resume()
}

func (h *Host) take(id task.GUID, p published) {
	delete(h.current, id)
	if err := p.Revoke(); err != nil {
		h.logger.Debug("bgtask: revoke", "class", id, "error", err)
	}
}

// revoke withdraws all classes, which must happen before the process exits.
func (h *Host) revoke() {
	for id, p := range h.current {
		h.take(id, p)
	}
}

// drain waits until all runs are over and, for a limited time, until Windows has
// accepted their ends.
func (h *Host) drain() {
	check := time.NewTicker(askEvery)
	defer check.Stop()
	var patience <-chan time.Time
	for {
		live, unreported := h.counts()
		if unreported == 0 {
			return
		}
		if live == 0 && patience == nil {
			patience = time.After(task.CancelGrace)
		}
		select {
		case <-h.wake:
		case <-check.C:
		case <-patience:
			h.logger.Warn("bgtask: Windows did not accept the end of a run", "runs", unreported)
			return
		}
	}
}

// counts returns how many runs are live, and how many ends were not reported yet.
func (h *Host) counts() (live, unreported int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.runs {
		if !r.isOver() {
			live++
		}
	}
	return live, len(h.runs)
}

// Leave lets the process exit unless something needs it. COM suspends the classes in
// the same step, so a later activation starts another process.
func (h *Host) Leave(context.Context) (bool, error) {
	h.mu.Lock()
	if h.left || len(h.runs) > 0 {
		defer h.mu.Unlock()
		return h.left, nil
	}
	idle := time.Since(h.active)
	expected := !h.came && idle < expectedFor
	h.mu.Unlock()
	if expected {
		return false, nil
	}
	if h.broker.system.Let() > 0 {
		if idle < forgottenAfter {
			h.broker.system.Hold()
			return false, nil
		}
		h.logger.Info("bgtask: leaving although objects are held, because their client seems to be dead")
		if err := h.broker.system.Suspend(); err != nil {
			h.logger.Debug("bgtask: suspend", "error", err)
		}
	}
	h.mu.Lock()
	h.left = true
	h.mu.Unlock()
	h.note()
	return true, nil
}

// Listener is not supported on Windows.
func (h *Host) Listener(context.Context, task.GUID) (*os.File, error) {
	return nil, task.NotOnWindows("Instance.Listener", "")
}

var errGone = errors.New("the run is over")

func (h *Host) find(instance task.GUID) *liveRun {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.runs[instance]
}
