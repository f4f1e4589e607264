package winbroker

import (
	"context"
	"iter"
	"time"

	"github.com/bgtask/bgtask/internal/winrt"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Watch yields events of the existing registrations: first a snapshot, then progress
// and ends of runs, until ctx ends.
func (b *Broker) Watch(ctx context.Context, q wire.WatchQuery) iter.Seq2[task.Event, error] {
	return func(yield func(task.Event, error) bool) {
		if err := b.watch(ctx, q, func(e task.Event) bool { return yield(e, nil) }); err != nil {
			yield(task.Event{}, err)
		}
	}
}

func (b *Broker) watch(ctx context.Context, q wire.WatchQuery, yield func(task.Event) bool) error {
	if q.Since != "" {
		return task.NotOnWindows("Client.Watch", string(q.Since))
	}
	infos, err := b.watched(ctx, q)
	if err != nil {
		return err
	}
	w := &watcher{events: make(chan task.Event, task.MaxWatchBuffer), lagged: make(chan struct{}, 1)}
	for _, info := range infos { // before the snapshot, so that nothing is missed in between
		stop, found, err := b.system.Subscribe(info.TaskID, w.of(info, b.opened.records))
		if err != nil {
			return winrt.Explain("watch", info.Spec.Name, err)
		}
		if found {
			defer stop()
		}
	}
	for i := range infos {
		if !yield(task.Event{Kind: task.EventSnapshot, Time: time.Now(), TaskID: infos[i].TaskID, Package: infos[i].Package, Name: infos[i].Spec.Name, State: &infos[i].State, Info: &infos[i]}) {
			return nil
		}
	}
	if !yield(task.Event{Kind: task.EventSynced, Time: time.Now()}) {
		return nil
	}
	return w.run(ctx, yield)
}

func (b *Broker) watched(ctx context.Context, q wire.WatchQuery) ([]task.Info, error) {
	if q.TaskID.IsZero() {
		return b.Tasks(ctx, wire.TaskQuery{AllGroups: true})
	}
	info, err := b.Task(ctx, q.TaskID)
	return []task.Info{info}, err
}

// watcher passes events from the threads of Windows to the goroutine that watches.
type watcher struct {
	events chan task.Event
	lagged chan struct{}
}

func (w *watcher) run(ctx context.Context, yield func(task.Event) bool) error {
	for {
		select {
		case e := <-w.events:
			if !yield(e) {
				return nil
			}
		case <-w.lagged:
			return &task.Error{Op: "watch", Err: task.ErrWatchLagged, Hint: "watch again, and read History"}
		case <-ctx.Done():
			return nil
		}
	}
}

// put never blocks, because it runs on a thread of the system.
func (w *watcher) put(e task.Event) {
	select {
	case w.events <- e:
	default:
		select {
		case w.lagged <- struct{}{}:
		default:
		}
	}
}

func (w *watcher) of(info task.Info, kept *records) winrt.Events {
	event := func(kind task.EventKind, r task.Run) task.Event {
		return task.Event{Kind: kind, Time: time.Now(), TaskID: info.TaskID, Package: info.Package, Name: info.Spec.Name, Run: &r}
	}
	return winrt.Events{
		Progress: func(instance task.GUID, value uint32) {
			w.put(event(task.EventProgress, task.Run{ID: instance, TaskID: info.TaskID, Name: info.Spec.Name, Package: info.Package, Progress: value, ProgressAt: time.Now()}))
		},
		Completed: func(instance task.GUID, err error) {
			w.put(event(task.EventEnded, kept.completed(info, instance, err)))
		},
	}
}

// completed returns a run that Windows reports as over. If it was a run of this
// application, the records say how it ended.
func (r *records) completed(info task.Info, instance task.GUID, err error) task.Run {
	if kept, ok := r.find(info.TaskID, instance); ok && kept.Outcome != "" {
		return r.shown(info, kept)
	}
	over := task.Run{ID: instance, TaskID: info.TaskID, Name: info.Spec.Name, Package: info.Package, Ended: time.Now(), Outcome: task.Completed}
	if err != nil {
		over.Outcome, over.Text = task.Failed, err.Error()
	}
	return over
}
