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

// Recorder is a Broker that records registrations in a file. Like on a machine
// without a broker, other methods fail with ErrUnavailable.
type Recorder struct {
	client.NoBroker
	folder string

	mu    sync.Mutex
	file  *os.File
	tasks []task.Info
}

// FromEnvironment returns the Recorder of a process that is to describe itself,
// or nil in any other process. It clears the environment variable, so that child
// processes do not describe themselves.
func FromEnvironment() *Recorder {
	name, ok := os.LookupEnv(Env)
	if !ok {
		return nil
	}
	_ = os.Unsetenv(Env) // fails only for an invalid name
	r := &Recorder{folder: filepath.Dir(name)}
	r.Err = &task.Error{Err: task.ErrUnavailable, Detail: "this process only describes itself"}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0) // created by Run
	if err != nil {
		r.Err = &task.Error{Err: task.ErrUnavailable, Detail: err.Error()}
	}
	r.file = file
	return r
}

// write appends a line in a single call, because other processes of the program
// may write too.
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

// Serve records classes that the process serves.
func (r *Recorder) Serve(classes []task.GUID) error { return r.write(record{Serve: classes}) }

// Register records the registration and reports success.
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
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// Unregister reports success.
func (r *Recorder) Unregister(context.Context, task.GUID, bool) error { return nil }

// Cancel reports success; there are no runs.
func (r *Recorder) Cancel(context.Context, task.GUID, task.CancellationReason, bool) error {
	return nil
}

// Resume reports success; nothing is suspended.
func (r *Recorder) Resume(context.Context, task.GUID) error { return nil }

// Raise reports that no task waits for the event.
func (r *Recorder) Raise(context.Context, string, []byte) ([]string, error) { return nil, nil }

// RequestAccess reports that access is allowed.
func (r *Recorder) RequestAccess(context.Context) (task.AccessStatus, error) {
	return task.AllowedSubjectToSystemPolicy, nil
}

// Tasks returns what this process has registered so far.
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

// Task returns a task that this process registered.
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

// Groups returns no groups.
func (r *Recorder) Groups(context.Context) ([]string, error) { return nil, nil }

// Facts returns no facts.
func (r *Recorder) Facts(context.Context) ([]task.Fact, []task.SourceState, error) {
	return nil, nil, nil
}

// History returns an empty history.
func (r *Recorder) History(context.Context, wire.HistoryQuery) iter.Seq2[task.Event, error] {
	return func(func(task.Event, error) bool) {}
}

// Watch returns no events and blocks until ctx ends.
func (r *Recorder) Watch(ctx context.Context, _ wire.WatchQuery) iter.Seq2[task.Event, error] {
	return func(func(task.Event, error) bool) { <-ctx.Done() }
}

// LocalFolder returns a folder that Run deletes when the program has ended.
func (r *Recorder) LocalFolder(context.Context) (string, error) {
	folder := filepath.Join(r.folder, "LocalFolder")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("%w: %w", task.ErrUnavailable, err)
	}
	return folder, nil
}
