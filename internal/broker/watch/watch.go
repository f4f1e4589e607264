//go:build linux

package watch

import (
	"context"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/bgtask/bgtask/internal/broker/fault"
	"github.com/bgtask/bgtask/internal/broker/loop"
	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/internal/source"
	"github.com/bgtask/bgtask/task"
)

// Config is what Watches needs. PushDistributor and Sockets may be empty; Keeper may be
// nil.
type Config struct {
	Loop            *loop.Handle
	Log             *slog.Logger
	StateDir        string
	Sockets         []source.Inherited // that the service manager holds
	Keeper          source.Keeper      // keeps sockets open while no broker runs
	PushDistributor string             // its name on the bus, or the last part of it
}

// Watches gives the watchers what registrations want, and the engine what they saw.
type Watches struct {
	Config
	watchers map[string]source.Watcher // by the class of trigger that they feed
	sockets  *source.Sockets           // one of them
	toasts   *source.Toasts            // another
	push     *source.Push              // and another

	mu      sync.Mutex
	wanted  map[string]map[task.GUID]task.Trigger // by class
	changed map[string]bool                       // classes whose watchers do not know it yet
	trouble map[task.GUID]error                   // why a watch does not work as it should
	folders map[task.GUID]folderWatch             // the broker's own watches
}

// folderWatch is a watch of the broker itself.
type folderWatch struct {
	name    string
	changed func()
}

// New returns Watches without any watch. Call Begin when the loop has done what the last
// broker left to do.
func New(c Config) *Watches {
	w := &Watches{Config: c, wanted: make(map[string]map[task.GUID]task.Trigger), changed: make(map[string]bool),
		trouble: make(map[task.GUID]error), folders: make(map[task.GUID]folderWatch)}
	w.sockets = source.NewSockets(c.Sockets, c.Keeper, w)
	w.toasts = source.NewToasts("", filepath.Join(c.StateDir, "toasts.json"), w.acted)
	w.push = source.NewPush("", filepath.Join(c.StateDir, "push.json"), c.PushDistributor, w)
	w.watchers = map[string]source.Watcher{
		task.SocketActivityTrigger{}.Class():               w.sockets,
		task.StorageLibraryContentChangedTrigger{}.Class(): source.NewFiles(filepath.Join(c.StateDir, "watched"), w),
		task.DeviceWatcherTrigger{}.Class():                source.NewDevices("/", w),
		task.ToastNotificationActionTrigger{}.Class():      w.toasts,
		task.PushNotificationTrigger{}.Class():             w.push,
	}
	return w
}

var _ source.Events = (*Watches)(nil)

// Chains returns the watchers as sources.
func (w *Watches) Chains() []source.Chain {
	var all []source.Watcher
	for _, class := range slices.Sorted(maps.Keys(w.watchers)) {
		all = append(all, w.watchers[class])
	}
	return source.Chains(all)
}

// Check refuses a trigger that nothing would fire.
func (w *Watches) Check(t task.Trigger) error {
	if watcher := w.watchers[t.Class()]; watcher != nil {
		return watcher.Check(t)
	}
	return nil
}

// Watch begins to watch for a registration.
func (w *Watches) Watch(id task.GUID, t task.Trigger) {
	w.mu.Lock()
	defer w.mu.Unlock()
	class := t.Class()
	if w.wanted[class] == nil {
		w.wanted[class] = make(map[task.GUID]task.Trigger)
	}
	w.wanted[class][id] = t
	w.change(class)
}

// WatchFolders begins to watch folders for the broker itself. Changed is called each
// time something in them has changed, and when the watch begins or breaks. Name is what
// doctor calls the watch.
func (w *Watches) WatchFolders(id task.GUID, name string, dirs []string, changed func()) {
	w.mu.Lock()
	w.folders[id] = folderWatch{name, changed}
	w.mu.Unlock()
	w.Watch(id, task.StorageLibraryContentChangedTrigger{Paths: dirs})
}

// Unwatch ends a registration's watch.
func (w *Watches) Unwatch(id task.GUID) {
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

// change has the watcher of a class informed after the actions of this round: an update
// of a registration is an Unwatch and a Watch, and its socket must not be closed in
// between.
func (w *Watches) change(class string) {
	if w.watchers[class] == nil || w.changed[class] {
		return
	}
	w.changed[class] = true
	w.Loop.Defer(func() { w.set(class) })
}

func (w *Watches) set(class string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.changed, class)
	w.watchers[class].Set(w.wanted[class])
}

// Begin informs all watchers of what is wanted when a broker begins, even if that is
// nothing: they may have kept from the last broker what is no longer wanted. It is
// called on the loop.
func (w *Watches) Begin() {
	for class := range w.watchers {
		w.set(class)
	}
}

// Serving notes which registrations have runs, or will have, when a broker begins.
func (w *Watches) Serving(occurrences []engine.Occurrence) {
	for _, o := range occurrences {
		w.sockets.Serve(o.TaskID)
	}
}

// Over is called on the loop when an occurrence has ended. A socket may fire again when
// all its runs are over.
func (w *Watches) Over(id task.GUID, state loop.State) {
	w.mu.Lock()
	_, socket := w.wanted[task.SocketActivityTrigger{}.Class()][id]
	w.mu.Unlock()
	if socket && !state.Busy(id) {
		w.sockets.Return(id)
	}
}

func (w *Watches) folder(id task.GUID) (folderWatch, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f, ok := w.folders[id]
	return f, ok
}

// Fired implements source.Events. It returns when the firing is durable.
func (w *Watches) Fired(id task.GUID, details task.Details) error {
	if f, ok := w.folder(id); ok {
		f.changed()
		return nil
	}
	_, err := w.Loop.Ask(w.Loop.Life(), engine.Occurred{Request: loop.NewRequestID(), TaskID: id, Details: details})
	return err
}

// Trouble implements source.Events.
func (w *Watches) Trouble(id task.GUID, err error) {
	if f, ok := w.folder(id); ok {
		f.changed() // the watch begins here: what changed before was not reported
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
		w.Log.Warn("a watch does not work as it should", "task", id, "err", err)
	}
}

// Checks returns the findings of "bgtask doctor" about watches.
func (w *Watches) Checks(ctx context.Context) []task.Check {
	w.mu.Lock()
	trouble := maps.Clone(w.trouble)
	w.mu.Unlock()
	if len(trouble) == 0 {
		return nil
	}
	var checks []task.Check
	err := w.Loop.Query(ctx, func(state loop.State, now engine.Instant) {
		for id, err := range trouble {
			name := id.String()
			if f, ok := w.folder(id); ok {
				name = f.name
			}
			if info, ok := state.Task(now, id); ok {
				name = info.Package + "/" + info.Spec.Name
			}
			checks = append(checks, task.Check{Level: task.CheckFail, Subject: "trigger", Text: name + ": " + fault.Text(err), Fix: task.Hint(err)})
		}
	})
	if err != nil {
		w.Log.Warn("cannot look up the tasks whose watches do not work", "err", err)
	}
	slices.SortFunc(checks, func(a, b task.Check) int { return strings.Compare(a.Text, b.Text) })
	return checks
}
