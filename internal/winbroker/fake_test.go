package winbroker

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/internal/winrt"
	"github.com/bgtask/bgtask/task"
)

// fakeSystem simulates Windows.
type fakeSystem struct {
	family string
	folder string

	mu           sync.Mutex
	calls        []string
	refuse       func(task.Spec) error
	last         byte
	tasks        []winrt.Registered
	access       task.AccessStatus
	accessErr    error
	answer       winrt.RequestAnswer
	arguments    []byte
	events       map[task.GUID]winrt.Events
	marks        map[task.GUID]bool
	count        int
	classes      map[task.GUID]func(activation) error
	registerBusy error
	listed       func() // called when Tasks has read the registrations
}

func newFake(t *testing.T) (*fakeSystem, *Broker) {
	f := &fakeSystem{
		family: "App_h91ms92gdsmmt", folder: t.TempDir(), access: task.AllowedSubjectToSystemPolicy,
		events: map[task.GUID]winrt.Events{}, marks: map[task.GUID]bool{}, classes: map[task.GUID]func(activation) error{},
	}
	return f, newBroker(f, slog.New(slog.DiscardHandler))
}

func (f *fakeSystem) call(format string, args ...any) {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

// calledSince returns the calls since the last time.
func (f *fakeSystem) calledSince() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

func (f *fakeSystem) Start() error                       { return nil }
func (f *fakeSystem) Family() (string, error)            { return f.family, nil }
func (f *fakeSystem) LocalFolder(string) (string, error) { return f.folder, nil }

func (f *fakeSystem) Register(s task.Spec) (task.GUID, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call("register %s", s.Name)
	if f.refuse != nil {
		if err := f.refuse(s); err != nil {
			return task.GUID{}, err
		}
	}
	f.last++
	id := task.GUID{15: f.last}
	f.tasks = append(f.tasks, winrt.Registered{ID: id, Name: s.Name, Group: s.Group})
	return id, nil
}

func (f *fakeSystem) Unregister(id task.GUID, cancel bool) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call("unregister %d %v", id[15], cancel)
	n := len(f.tasks)
	f.tasks = slices.DeleteFunc(f.tasks, func(r winrt.Registered) bool { return r.ID == id })
	return len(f.tasks) < n, nil
}

func (f *fakeSystem) Tasks() ([]winrt.Registered, error) {
	f.mu.Lock()
	tasks, listed := slices.Clone(f.tasks), f.listed
	f.mu.Unlock()
	if listed != nil {
		listed()
	}
	return tasks, nil
}

func (f *fakeSystem) Request(_ context.Context, id task.GUID, arguments []byte) (winrt.RequestAnswer, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.arguments = arguments
	return f.answer, slices.ContainsFunc(f.tasks, func(r winrt.Registered) bool { return r.ID == id }), nil
}

func (f *fakeSystem) RequestAccess(context.Context) (task.AccessStatus, error) {
	return f.access, f.accessErr
}

func (f *fakeSystem) WorkCost() (task.Value, error) { return task.Medium, nil }

func (f *fakeSystem) Subscribe(id task.GUID, e winrt.Events) (func(), bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events[id] = e
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.events, id)
	}, true, nil
}

func (f *fakeSystem) subscribed(id task.GUID) (winrt.Events, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.events[id]
	return e, ok
}

func (f *fakeSystem) Mark(instance task.GUID) (func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.marks[instance] = true
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.marks, instance)
	}, nil
}

func (f *fakeSystem) Alive(instance task.GUID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.marks[instance]
}

func (f *fakeSystem) Hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
}

func (f *fakeSystem) Let() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count--
	if f.count == 0 {
		f.call("suspend")
	}
	return f.count
}

func (f *fakeSystem) Resume() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call("resume")
	return nil
}

func (f *fakeSystem) Suspend() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call("suspend")
	return nil
}

func (f *fakeSystem) Publish(class task.GUID, single bool, run func(activation) error) (published, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.call("publish %d %v", class[0], single)
	if f.registerBusy != nil {
		return nil, f.registerBusy
	}
	f.classes[class] = run
	return fakeClass{f, class}, nil
}

type fakeClass struct {
	f     *fakeSystem
	class task.GUID
}

func (c fakeClass) Revoke() error {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.call("revoke %d", c.class[0])
	delete(c.f.classes, c.class)
	return nil
}

// fakeActivation simulates the instance of a run.
type fakeActivation struct {
	id winrt.Activated

	mu       sync.Mutex
	canceled func(task.CancellationReason)
	early    *task.CancellationReason // sent as soon as there is a handler
	progress []uint32
	asked    int
	gone     error // the error of every call when the broker is gone
	ends     []string
}

func (a *fakeActivation) Read() (winrt.Activated, error) { return a.id, a.gone }

func (a *fakeActivation) Canceled(f func(task.CancellationReason)) (func() error, error) {
	a.mu.Lock()
	a.canceled = f
	early := a.early
	a.mu.Unlock()
	if early != nil {
		f(*early)
	}
	return func() error { return a.note("removed") }, a.gone
}

func (a *fakeActivation) cancel(reason task.CancellationReason) { a.canceled(reason) }

func (a *fakeActivation) note(what string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ends = append(a.ends, what)
	return a.gone
}

func (a *fakeActivation) Defer() (func() error, error) {
	return func() error { return a.note("completed") }, a.gone
}

func (a *fakeActivation) Progress(value uint32) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.progress = append(a.progress, value)
	return a.gone
}

func (a *fakeActivation) Ask() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	return a.gone
}

func (a *fakeActivation) die() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.gone = com.CallFailed
}

func (a *fakeActivation) Close() { a.note("closed") }
