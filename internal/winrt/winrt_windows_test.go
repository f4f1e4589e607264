package winrt

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/task"
)

var (
	taskOne   = task.MustGUID("7e570002-0000-4000-8000-000000000001")
	runOne    = task.MustGUID("7e570002-0000-4000-8000-000000000009")
	quietTwin = twinRegistration{id: com.FromTask(taskOne), name: "Grüße", events: new(twinEvents)}
)

// runTask calls Run of a task with an instance, as COM does.
func runTask(t *testing.T, task, instance *com.Unknown) error {
	t.Helper()
	u, err := Task.of(task)
	if err != nil {
		t.Fatal(err)
	}
	defer u.Release()
	return Task.call(u, "Run", uintptr(unsafe.Pointer(instance)))
}

// use performs every operation on an activation.
func use(a *Activation, w *twinInstance) error {
	defer a.Close()
	got, err := a.Read()
	want := Activated{Instance: w.id.Task(), TaskID: taskOne, Name: "Grüße"}
	if err != nil || got != want {
		return errors.Join(err, errors.New("the instance returned something else"))
	}
	reasons := make(chan task.CancellationReason, 1)
	remove, err := a.Canceled(func(r task.CancellationReason) { reasons <- r })
	if err != nil {
		return err
	}
	complete, err := a.Defer()
	if err != nil {
		return err
	}
	if err := errors.Join(a.Progress(4_000_000_000), a.Ask(), w.cancel(int32(task.ReasonEnergySaver))); err != nil {
		return err
	}
	if r := <-reasons; r != task.ReasonEnergySaver {
		return r
	}
	if err := errors.Join(remove(), w.cancel(0), complete()); err != nil || len(reasons) > 0 {
		return errors.Join(err, errors.New("called after the handler was removed"))
	}
	if w.progress != 4_000_000_000 || w.deferrals != 1 || w.completed != 1 {
		return errors.New("a value was not transmitted")
	}
	return nil
}

// Eight goroutines perform a thousand complete runs each.
func TestNothingLeaks(t *testing.T) {
	work := func(rounds int) {
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for range rounds {
					w := &twinInstance{id: com.FromTask(runOne), task: quietTwin}
					instance := w.new()
					gone := false
					u := NewTask(func(a *Activation) error { return use(a, w) }, func() { gone = true })
					if err := runTask(t, u, instance); err != nil {
						t.Error(err)
						return
					}
					instance.Release()
					if u.Release(); !gone {
						t.Error("the task was not released")
						return
					}
				}
			})
		}
		group.Wait()
	}
	work(5)
	before := com.Count()
	work(1000)
	if after := com.Count(); after != before {
		t.Errorf("something leaked: %+v, before %+v", after, before)
	}
}

func TestRunAnswers(t *testing.T) {
	was := slog.Default()
	defer slog.SetDefault(was)
	slog.SetDefault(slog.New(slog.DiscardHandler))
	instance := (&twinInstance{task: quietTwin}).new()
	defer instance.Release()
	for name, c := range map[string]struct {
		run  func(*Activation) error
		want error
	}{
		"nothing": {func(a *Activation) error { a.Close(); return nil }, nil},
		"HRESULT": {func(a *Activation) error { a.Close(); return com.ServerStopping }, com.ServerStopping},
		"error":   {func(a *Activation) error { a.Close(); return errors.New("other") }, com.Fail},
		"panic":   {func(a *Activation) error { defer a.Close(); panic("a bug") }, com.Fail},
	} {
		u := NewTask(c.run, nil)
		if err := runTask(t, u, instance); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
		if err := runTask(t, u, nil); !errors.Is(err, com.InvalidPointer) {
			t.Errorf("without an instance: %v", err)
		}
		u.Release()
	}
}

func TestView(t *testing.T) {
	before := com.Count()
	many := twinMap{quietTwin, {id: com.GUID{Data1: 2}, name: "B", events: new(twinEvents)}, {id: com.GUID{Data1: 3}, events: new(twinEvents)}}
	for _, c := range []struct {
		all  twinMap
		stop int
		want []string
	}{{nil, -1, nil}, {many, -1, []string{"Grüße", "B", ""}}, {many, 1, []string{"Grüße", "B"}}} {
		m := c.all.new()
		var names []string
		more, err := eachOf(TaskMap, m, "", func(r *com.Unknown, _ string) (bool, error) {
			name, err := Registration.text(r, "get_Name")
			names = append(names, name)
			return len(names) != c.stop+1, err
		})
		if err != nil || !slices.Equal(names, c.want) || more != (c.stop < 0) {
			t.Errorf("%q, want %q; more is %v, %v", names, c.want, more, err)
		}
		failed := errors.New("failed")
		if _, err := eachOf(TaskMap, m, "", func(*com.Unknown, string) (bool, error) { return true, failed }); len(c.all) > 0 && !errors.Is(err, failed) {
			t.Error(err)
		}
		m.Release()
	}
	if more, err := eachOf(TaskMap, nil, "", nil); !more || err != nil {
		t.Error("a nil map:", more, err)
	}
	if after := com.Count(); after.Objects != before.Objects || after.Strings != before.Strings {
		t.Errorf("something leaked: %+v, before %+v", after, before)
	}
}

func TestEvents(t *testing.T) {
	before := com.Count()
	events := new(twinEvents)
	registration := twinRegistration{events: events}.new()
	var progress []uint32
	var results []error
	stop, err := subscribe(registration, &Events{
		Progress:  func(id task.GUID, value uint32) { progress = append(progress, value) },
		Completed: func(id task.GUID, err error) { results = append(results, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	registration.Release()
	invoke := func(handler *com.Unknown, i *Interface, args *com.Unknown) {
		t.Helper()
		defer args.Release()
		if err := i.call(handler, "Invoke", 0, uintptr(unsafe.Pointer(args))); err != nil {
			t.Error(err)
		}
	}
	id := com.FromTask(runOne)
	invoke(events.progress, ProgressHandler, (&twinArgs{id: id, progress: 7}).new(ProgressArgs, twinProgressTable()))
	invoke(events.completed, CompletedHandler, (&twinArgs{id: id}).new(CompletedArgs, twinCompletedTable()))
	invoke(events.completed, CompletedHandler, (&twinArgs{id: id, result: com.AccessDenied}).new(CompletedArgs, twinCompletedTable()))
	if err := CompletedHandler.call(events.completed, "Invoke", 0, 0); !errors.Is(err, com.InvalidPointer) {
		t.Error(err)
	}
	if !slices.Equal(progress, []uint32{7}) || len(results) != 2 || results[0] != nil || !errors.Is(results[1], com.AccessDenied) {
		t.Error(progress, results)
	}
	stop()
	if after := com.Count(); after.Objects != before.Objects {
		t.Errorf("something leaked: %+v, before %+v", after, before)
	}
}

func TestRequest(t *testing.T) {
	for _, answer := range []RequestAnswer{Allowed, CurrentlyRunning, DisabledByPolicy, UnknownError} {
		trigger := &twinTrigger{answer: answer, finish: make(chan struct{})}
		registration := twinRegistration{events: &twinEvents{trigger: trigger}}.new()
		go close(trigger.finish)
		if got, err := requestOf(t.Context(), registration, nil); got != answer || err != nil {
			t.Errorf("%v, want %v: %v", got, answer, err)
		}
		registration.Release()
	}
	none := twinRegistration{events: new(twinEvents)}.new()
	defer none.Release()
	if _, err := requestOf(t.Context(), none, nil); !errors.Is(err, com.NotSupported) {
		t.Error(err)
	}
}

func TestRequestEndsWithItsContext(t *testing.T) {
	trigger := &twinTrigger{finish: make(chan struct{}), canceled: make(chan struct{})}
	registration := twinRegistration{events: &twinEvents{trigger: trigger}}.new()
	defer registration.Release()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if _, err := requestOf(ctx, registration, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	<-trigger.canceled
	close(trigger.finish) // the handler is called nevertheless
}

// An old Windows answers calls for background tasks like calls for any missing
// class.
func TestSystemWithoutTheClass(t *testing.T) {
	_, err := com.Factory("Windows.ApplicationModel.Background.OfAnotherDay", com.IIDInspectable)
	if !errors.Is(err, com.ClassNotRegistered) && !errors.Is(err, com.ClassNotAvailable) {
		t.Fatal(err)
	}
	if explained := Explain("list", "", err); !errors.Is(explained, task.ErrNotSupported) || task.Hint(explained) == "" {
		t.Error(explained)
	}
	if family, err := PackageFamily(); err != nil {
		t.Error(family, err)
	}
	if path, err := LocalFolder(); err != nil && com.Code(err) == com.Fail {
		t.Error(path, err)
	}
}
