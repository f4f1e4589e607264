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

// watches tells the watchers of files and devices what the registrations want,
// and the engine what they saw.
type watches struct {
	broker   *broker
	watchers map[string]source.Watcher // by the class of trigger that they feed

	mu      sync.Mutex
	wanted  map[string]map[task.GUID]task.Trigger // by class
	trouble map[task.GUID]error                   // why one is not watched as it should be
}

func newWatches(b *broker) *watches {
	w := &watches{broker: b, wanted: make(map[string]map[task.GUID]task.Trigger), trouble: make(map[task.GUID]error)}
	w.watchers = map[string]source.Watcher{
		task.StorageLibraryContentChangedTrigger{}.Class(): source.NewFiles(filepath.Join(b.cfg.StateDir, "watched"), w),
		task.DeviceWatcherTrigger{}.Class():                source.NewDevices("/", w),
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
	switch t.(type) {
	case task.SocketActivityTrigger, task.ToastNotificationActionTrigger, task.PushNotificationTrigger:
		return &task.Error{Subject: t.Class(), Err: task.ErrTriggerNotSupported, Detail: "this version has nothing that would fire it"}
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
	w.set(class)
}

// unwatch ends it.
func (w *watches) unwatch(id task.GUID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.trouble, id)
	for class, wanted := range w.wanted {
		if _, ok := wanted[id]; ok {
			delete(wanted, id)
			w.set(class)
		}
	}
}

func (w *watches) set(class string) {
	if watcher := w.watchers[class]; watcher != nil {
		watcher.Set(w.wanted[class])
	}
}

// Fired implements source.Events: it returns when the firing is durable.
func (w *watches) Fired(id task.GUID, details task.Details) {
	b := w.broker
	if b.inbox.put(b.life, item{event: engine.Occurred{TaskID: id, Details: details}}) != nil {
		return
	}
	committed := make(chan struct{})
	if b.inbox.put(b.life, item{query: func(engine.Instant) { close(committed) }}) != nil {
		return
	}
	select {
	case <-committed:
	case <-b.life.Done():
	}
}

// Trouble implements source.Events.
func (w *watches) Trouble(id task.GUID, err error) {
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
			if info, ok := w.broker.engine.Task(now, id); ok {
				name = info.Package + "/" + info.Spec.Name
			}
			checks = append(checks, task.Check{Level: task.CheckFail, Subject: "trigger", Text: name + ": " + sentence(err), Fix: task.Hint(err)})
		}
	})
	slices.SortFunc(checks, func(a, b task.Check) int { return strings.Compare(a.Text, b.Text) })
	return checks
}
