package describe

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// Recorder is a Broker that writes down what is registered. What it can not answer
// it refuses with ErrUnavailable, as a machine without a broker would.
type Recorder struct {
	client.NoBroker
	folder string

	mu    sync.Mutex
	file  *os.File
	tasks []task.Info
}

// FromEnvironment gives the Recorder of a process that is to describe itself, nil
// in any other. The environment is cleared, so that a program which this one
// starts does not describe itself.
func FromEnvironment() *Recorder {
	name, ok := os.LookupEnv(Env)
	if !ok {
		return nil
	}
	os.Unsetenv(Env)
	r := &Recorder{folder: filepath.Dir(name)}
	r.Err = &task.Error{Err: task.ErrUnavailable, Detail: "this process only describes itself"}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0) // the tool has made it
	if err != nil {
		r.Err = &task.Error{Err: task.ErrUnavailable, Detail: err.Error()}
	}
	r.file = file
	return r
}

// write appends a line in one call: other processes of the program may write too.
func (r *Recorder) write(rec record) error {
	line, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	if r.file == nil {
		return r.Err
	}
	_, err = r.file.Write(append(line, '\n'))
	return err
}

// Serve writes down classes that the process serves.
func (r *Recorder) Serve(classes []task.GUID) error { return r.write(record{Serve: classes}) }

// Register writes it down and says that it is done.
func (r *Recorder) Register(_ context.Context, spec task.Spec, _ client.Registering) (wire.Registered, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.write(record{Register: &spec}); err != nil {
		return wire.Registered{}, err
	}
	id := newID()
	r.tasks = append(r.tasks, task.Info{TaskID: id, Spec: spec})
	return wire.Registered{TaskID: id, Change: wire.Added}, nil
}

func newID() (id task.GUID) {
	rand.Read(id[:])
	return id
}

// Unregister says that it is done.
func (r *Recorder) Unregister(context.Context, task.GUID, bool) error { return nil }

// Cancel finds no run to cancel.
func (r *Recorder) Cancel(context.Context, task.GUID, task.CancellationReason, bool) error {
	return nil
}

// Resume finds nothing suspended.
func (r *Recorder) Resume(context.Context, task.GUID) error { return nil }

// Raise finds nobody who waits for the event.
func (r *Recorder) Raise(context.Context, string, []byte) ([]string, error) { return nil, nil }

// RequestAccess allows what there is to allow.
func (r *Recorder) RequestAccess(context.Context) (task.AccessStatus, error) {
	return task.AllowedSubjectToSystemPolicy, nil
}

// Tasks lists what was registered meanwhile.
func (r *Recorder) Tasks(_ context.Context, q wire.TaskQuery) (all []task.Info, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, info := range r.tasks {
		if len(q.Groups) == 0 && info.Spec.Group == "" || slices.Contains(q.Groups, info.Spec.Group) {
			all = append(all, info)
		}
	}
	return all, nil
}

// Task finds one that was registered meanwhile.
func (r *Recorder) Task(_ context.Context, id task.GUID) (task.Info, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, info := range r.tasks {
		if info.TaskID == id {
			return info, nil
		}
	}
	return task.Info{}, &task.Error{Err: task.ErrNotRegistered}
}

// Groups are none.
func (r *Recorder) Groups(context.Context) ([]string, error) { return nil, nil }

// Facts are none.
func (r *Recorder) Facts(context.Context) ([]task.Fact, []task.SourceState, error) {
	return nil, nil, nil
}

// History is empty.
func (r *Recorder) History(context.Context, wire.HistoryQuery) iter.Seq2[task.Event, error] {
	return func(func(task.Event, error) bool) {}
}

// Watch sees nothing happen until ctx ends.
func (r *Recorder) Watch(ctx context.Context, _ wire.WatchQuery) iter.Seq2[task.Event, error] {
	return func(func(task.Event, error) bool) { <-ctx.Done() }
}

// LocalFolder is one that is gone when the program has ended.
func (r *Recorder) LocalFolder(context.Context) (string, error) {
	folder := filepath.Join(r.folder, "LocalFolder")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("%w: %w", task.ErrUnavailable, err)
	}
	return folder, nil
}
