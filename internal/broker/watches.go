//go:build linux

package broker

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/source"
	"github.com/bgtask/bgtask/task"
)

// watches tells the watchers of files, sockets, devices and the desktop what the registrations
// want, and the engine what they saw.
type watches struct {
	broker   *broker
	watchers map[string]source.Watcher // by the class of trigger that they feed
	sockets  *source.Sockets           // one of them
	toasts   *source.Toasts            // another one
	push     *source.Push              // and another

	mu      sync.Mutex
	wanted  map[string]map[task.GUID]task.Trigger // by class
	changed map[string]bool                       // classes whose watchers do not know it yet
	trouble map[task.GUID]error                   // why one is not watched as it should be
}

func newWatches(b *broker) *watches {
	w := &watches{broker: b, wanted: make(map[string]map[task.GUID]task.Trigger), changed: make(map[string]bool), trouble: make(map[task.GUID]error)}
	w.sockets = source.NewSockets(b.cfg.Sockets, b.service.Keeper(), w)
	w.toasts = source.NewToasts("", filepath.Join(b.cfg.StateDir, "toasts.json"), w.acted)
	w.push = source.NewPush("", filepath.Join(b.cfg.StateDir, "push.json"), b.settings.PushDistributor, w)
	w.watchers = map[string]source.Watcher{
		task.SocketActivityTrigger{}.Class():               w.sockets,
		task.StorageLibraryContentChangedTrigger{}.Class(): source.NewFiles(filepath.Join(b.cfg.StateDir, "watched"), w),
		task.DeviceWatcherTrigger{}.Class():                source.NewDevices("/", w),
		task.ToastNotificationActionTrigger{}.Class():      w.toasts,
		task.PushNotificationTrigger{}.Class():             w.push,
	}
	return w
}

var _ source.Events = (*watches)(nil)

// chains are the watchers as sources.
func (w *watches) chains() []source.Chain {
	var all []source.Watcher
	for _, class := range slices.Sorted(maps.Keys(w.watchers)) {
		all = append(all, w.watchers[class])
	}
	return source.Chains(all)
}

// check refuses a trigger that nothing would fire.
func (w *watches) check(t task.Trigger) error {
	if watcher := w.watchers[t.Class()]; watcher != nil {
		return watcher.Check(t)
	}
	return nil
}

// watch begins to watch for a registration. It is called by the loop.
func (w *watches) watch(id task.GUID, t task.Trigger) {
	w.mu.Lock()
	defer w.mu.Unlock()
	class := t.Class()
	if w.wanted[class] == nil {
		w.wanted[class] = make(map[task.GUID]task.Trigger)
	}
	w.wanted[class][id] = t
	w.change(class)
}

// unwatch ends it.
func (w *watches) unwatch(id task.GUID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.trouble, id)
	for class, wanted := range w.wanted {
		if _, ok := wanted[id]; ok {
			delete(wanted, id)
			w.change(class)
		}
	}
}

// change has the watcher of a class told when the actions of this round are done:
// a registration that changes is unwatched and watched again, and its socket must
// not be closed in between.
func (w *watches) change(class string) {
	if w.watchers[class] == nil || w.changed[class] {
		return
	}
	w.changed[class] = true
	w.broker.inbox.push(item{query: func(engine.Instant) { w.set(class) }})
}

func (w *watches) set(class string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.changed, class)
	w.watchers[class].Set(w.wanted[class])
}

// begin tells all watchers what is wanted when a broker begins, nothing too: what is
// wanted no more may have been kept from the last broker. It is called by the loop.
func (w *watches) begin() {
	for class := range w.watchers {
		w.set(class)
	}
}

// serving notes which registrations have runs, or will have, when a broker begins.
func (w *watches) serving(occurrences []engine.Occurrence) {
	for _, o := range occurrences {
		w.sockets.Serve(o.TaskID)
	}
}

// over is called by the loop when an occurrence has ended: a socket whose runs are
// all over may fire again.
func (w *watches) over(id task.GUID) {
	w.mu.Lock()
	_, socket := w.wanted[task.SocketActivityTrigger{}.Class()][id]
	w.mu.Unlock()
	if socket && !w.broker.engine.Busy(id) {
		w.sockets.Return(id)
	}
}

// Fired implements source.Events: it returns when the firing is durable.
func (w *watches) Fired(id task.GUID, details task.Details) error {
	b := w.broker
	if id == systemWatch {
		b.system.hint()
		return nil
	}
	_, err := b.ask(b.life, engine.Occurred{Request: newRequestID(), TaskID: id, Details: details})
	return err
}

// Trouble implements source.Events.
func (w *watches) Trouble(id task.GUID, err error) {
	if id == systemWatch {
		w.broker.system.hint() // from now on it is watched: what changed before is to be seen
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.trouble[id]
	if err == nil {
		delete(w.trouble, id)
		return
	}
	w.trouble[id] = err
	if last == nil || last.Error() != err.Error() {
		w.broker.log.Warn("a task's trigger is not watched as it should be", "task", id, "err", err)
	}
}

// checks tells of the troubles for "bgtask doctor".
func (w *watches) checks(ctx context.Context) []task.Check {
	w.mu.Lock()
	trouble := maps.Clone(w.trouble)
	w.mu.Unlock()
	if len(trouble) == 0 {
		return nil
	}
	var checks []task.Check
	w.broker.query(ctx, func(now engine.Instant) {
		for id, err := range trouble {
			name := id.String()
			if id == systemWatch {
				name = "system packages"
			}
			if info, ok := w.broker.engine.Task(now, id); ok {
				name = info.Package + "/" + info.Spec.Name
			}
			checks = append(checks, task.Check{Level: task.CheckFail, Subject: "trigger", Text: name + ": " + sentence(err), Fix: task.Hint(err)})
		}
	})
	slices.SortFunc(checks, func(a, b task.Check) int { return strings.Compare(a.Text, b.Text) })
	return checks
}
