package winbroker

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/internal/winrt"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

var class = task.GUID{7}

func spec(name string, minutes int) task.Spec {
	return task.Spec{Name: name, EntryPoint: class, Trigger: task.TimeTrigger{Freshness: time.Duration(minutes) * time.Minute}}
}

func ensure(t *testing.T, b *Broker, s task.Spec) wire.Registered {
	t.Helper()
	r, err := b.Register(t.Context(), s, client.Registering{Ensure: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func expect(t *testing.T, f *fakeSystem, calls ...string) {
	t.Helper()
	if got := f.calledSince(); !slices.Equal(got, calls) {
		t.Errorf("calls to Windows: %q, want %q", got, calls)
	}
}

// TestNoPackage checks that every operation reports a missing package immediately, with
// the remedy.
func TestNoPackage(t *testing.T) {
	f, b := newFake(t)
	f.family = ""
	id := task.GUID{1}
	host := b.NewHost(nil, false)
	for name, err := range map[string]error{
		"register":   second(b.Register(t.Context(), spec("A", 15), client.Registering{})),
		"list":       second(b.Tasks(t.Context(), wire.TaskQuery{})),
		"show":       second(b.Task(t.Context(), id)),
		"groups":     second(b.Groups(t.Context())),
		"fire":       second(b.Fire(t.Context(), id, client.Firing{})),
		"unregister": b.Unregister(t.Context(), id, false),
		"access":     second(b.RequestAccess(t.Context())),
		"folder":     second(b.LocalFolder(t.Context())),
		"serve":      host.Run(t.Context()),
		"history":    firstError(b, t),
	} {
		if !errors.Is(err, task.ErrNoPackage) || !strings.Contains(task.Hint(err), "bgtask package") {
			t.Errorf("%s: %v (%s)", name, err, task.Hint(err))
		}
	}
	expect(t, f)
}

func TestAnotherPackage(t *testing.T) {
	_, b := newFake(t)
	b.claimed = "Other_h91ms92gdsmmt"
	if _, err := b.LocalFolder(t.Context()); !errors.Is(err, task.ErrConflict) || task.Hint(err) == "" {
		t.Error(err)
	}
	b.claimed = "App_h91ms92gdsmmt"
	if _, err := b.LocalFolder(t.Context()); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

func firstError(b *Broker, t *testing.T) error {
	for _, err := range b.History(t.Context(), wire.HistoryQuery{TaskID: task.GUID{1}}) {
		return err
	}
	return nil
}

func TestWhatIsNotThereIsRefused(t *testing.T) {
	f, b := newFake(t)
	s := spec("A", 15)
	s.Queue = 2
	watch := func() (err error) {
		for _, err = range b.Watch(t.Context(), wire.WatchQuery{Since: "7"}) {
		}
		return err
	}
	for name, err := range map[string]error{
		"queue":    client.Validate(b, s),
		"below 15": client.Validate(b, spec("A", 14)),
		"by hand":  second(b.Fire(t.Context(), task.GUID{1}, client.Firing{ByHand: true})),
		"cancel":   b.Cancel(t.Context(), task.GUID{1}, task.ReasonAbort, false),
		"resume":   b.Resume(t.Context(), task.GUID{1}),
		"why":      second(b.Why(t.Context(), task.GUID{1})),
		"raise":    second(b.Raise(t.Context(), "morning", nil)),
		"listener": second(b.NewHost(nil, false).Listener(t.Context(), task.GUID{1})),
		"toast":    second(b.ShowToast(t.Context(), task.Toast{}, "")),
		"hide":     b.HideToast(t.Context(), 1),
		"channel":  second(b.PushChannel(t.Context(), task.GUID{1})),
		"unknown":  b.NoBroker.HideToast(t.Context(), 1),
		"cursor":   watch(),
	} {
		if !errors.Is(err, task.ErrNotSupportedOnWindows) || task.Hint(err) == "" {
			t.Errorf("%s: %v (%s)", name, err, task.Hint(err))
		}
	}
	expect(t, f)
}

// TestEnsure checks that an unchanged task is not touched, since that would restart its
// timer, and that a changed one replaces the old one and keeps its history.
func TestEnsure(t *testing.T) {
	f, b := newFake(t)
	s := spec("Fetch", 15)
	s.Conditions = []task.Condition{task.SessionConnected, task.InternetAvailable}
	first := ensure(t, b, s)
	expect(t, f, "register Fetch")
	slices.Reverse(s.Conditions)
	if again := ensure(t, b, s); again.TaskID != first.TaskID || again.Change != wire.Unchanged {
		t.Errorf("%+v", again)
	}
	expect(t, f)

	a, _ := b.open("test")
	begun, err := a.records.begin(first.TaskID, run{Instance: task.GUID{9}, Started: time.Now()})
	begun.Outcome = task.Completed.String()
	if err = errors.Join(err, a.records.end(first.TaskID, begun)); err != nil {
		t.Fatal(err)
	}
	s.CancelOnConditionLoss = true
	changed := ensure(t, b, s)
	expect(t, f, "register Fetch", "unregister 1 false")
	info, err := b.Task(t.Context(), changed.TaskID)
	if err != nil || changed.Change != wire.Updated || !info.Spec.Equal(s) || info.LastRun == nil || info.LastRun.ID != (task.GUID{9}) {
		t.Errorf("%+v, %+v, %v", changed, info, err)
	}
	if _, err := b.Task(t.Context(), first.TaskID); !errors.Is(err, task.ErrNotRegistered) {
		t.Errorf("the old one: %v", err)
	}
}

func TestEnsureRemovesDuplicates(t *testing.T) {
	f, b := newFake(t)
	for range 3 {
		if _, err := b.Register(t.Context(), spec("Fetch", 15), client.Registering{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	if _, err := f.Register(task.Spec{Name: "Fetch"}); err != nil { // by another program: it has no record
		t.Fatal(err)
	}
	other, _ := b.Register(t.Context(), task.Spec{Name: "Fetch", Group: "g", EntryPoint: class, Trigger: task.ApplicationTrigger{}}, client.Registering{})
	f.calledSince()
	r := ensure(t, b, spec("Fetch", 15))
	if r.TaskID != (task.GUID{15: 1}) || len(r.Replaced) != 3 {
		t.Errorf("%+v", r)
	}
	expect(t, f, "unregister 2 false", "unregister 3 false", "unregister 4 false")
	if groups, err := b.Groups(t.Context()); err != nil || !slices.Equal(groups, []string{"g"}) {
		t.Error(groups, err)
	}
	grouped, err := b.Tasks(t.Context(), wire.TaskQuery{Groups: []string{"g"}})
	if err != nil || len(grouped) != 1 || grouped[0].TaskID != other.TaskID {
		t.Error(grouped, err)
	}
	if all, err := b.Tasks(t.Context(), wire.TaskQuery{}); err != nil || len(all) != 1 {
		t.Error(all, err)
	}
}

// TestRefusedChangeLosesNothing checks that a refused change keeps the old task, even
// where Windows allows only one registration and the old one must go first.
func TestRefusedChangeLosesNothing(t *testing.T) {
	f, b := newFake(t)
	good := spec("Fetch", 15)
	first := ensure(t, b, good)
	f.refuse = func(task.Spec) error { return com.NotSupported }
	_, err := b.Register(t.Context(), spec("Fetch", 30), client.Registering{Ensure: true})
	if !errors.Is(err, task.ErrTriggerNotSupported) {
		t.Error(err)
	}
	if info, err := b.Task(t.Context(), first.TaskID); err != nil || !info.Spec.Equal(good) {
		t.Errorf("the old one: %+v, %v", info, err)
	}
	f.refuse = func(s task.Spec) error { // one at a time, and never every 30 minutes
		switch {
		case len(f.tasks) > 0:
			return com.NotEnoughQuota
		case s.Equal(spec("Fetch", 30)):
			return com.InvalidArgument
		}
		return nil
	}
	_, err = b.Register(t.Context(), spec("Fetch", 30), client.Registering{Ensure: true})
	if !errors.Is(err, task.ErrInvalid) {
		t.Error(err)
	}
	all, err := b.Tasks(t.Context(), wire.TaskQuery{})
	if err != nil || len(all) != 1 || !all[0].Spec.Equal(good) {
		t.Errorf("what is left: %+v, %v", all, err)
	}
	if r := ensure(t, b, spec("Fetch", 45)); r.Change != wire.Updated {
		t.Errorf("%+v", r)
	}
}

func TestAccessIsAskedFor(t *testing.T) {
	f, b := newFake(t)
	f.access = task.DeniedByUser
	_, err := b.Register(t.Context(), spec("A", 15), client.Registering{})
	if !errors.Is(err, task.ErrAccessDenied) || !strings.Contains(task.Hint(err), "Settings") {
		t.Error(err)
	}
	expect(t, f)
	f.access, f.accessErr = 0, com.ClassNotRegistered
	ensure(t, b, spec("A", 15))
}

func TestRequest(t *testing.T) {
	f, b := newFake(t)
	s := spec("A", 15)
	s.Trigger = task.ApplicationTrigger{}
	id := ensure(t, b, s).TaskID
	for answer, want := range map[winrt.RequestAnswer]error{
		winrt.Allowed: nil, winrt.CurrentlyRunning: task.ErrCurrentlyRunning, winrt.DisabledByPolicy: task.ErrDisabledByPolicy, winrt.UnknownError: task.ErrInternal,
	} {
		f.answer = answer
		if _, err := b.Fire(t.Context(), id, client.Firing{Arguments: []byte("now")}); !errors.Is(err, want) || string(f.arguments) != "now" {
			t.Errorf("%d: %v, arguments %q", answer, err, f.arguments)
		}
	}
	if _, err := b.Fire(t.Context(), task.GUID{99}, client.Firing{}); !errors.Is(err, task.ErrNotRegistered) {
		t.Error(err)
	}
}

func TestUnregisterForgets(t *testing.T) {
	f, b := newFake(t)
	id := ensure(t, b, spec("A", 15)).TaskID
	f.calledSince()
	if err := b.Unregister(t.Context(), id, true); err != nil {
		t.Error(err)
	}
	expect(t, f, "unregister 1 true")
	if err := b.Unregister(t.Context(), id, true); !errors.Is(err, task.ErrNotRegistered) {
		t.Error(err)
	}
	a, _ := b.open("test")
	if _, ok := a.records.registration(id); ok {
		t.Error("the records were not deleted")
	}
}

// TestWatch checks that snapshots come first, then what Windows reports, and that the
// outcome of the application's own run comes from the records.
func TestWatch(t *testing.T) {
	f, b := newFake(t)
	id := ensure(t, b, spec("A", 15)).TaskID
	a, _ := b.open("test")
	begun, _ := a.records.begin(id, run{Instance: task.GUID{9}, Started: time.Now()})
	var got []string
	for e, err := range b.Watch(t.Context(), wire.WatchQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		what := e.Kind.String()
		if e.Run != nil {
			what += " " + e.Run.Outcome.String()
		}
		got = append(got, what)
		events, _ := f.subscribed(id)
		switch len(got) {
		case 2:
			events.Progress(task.GUID{9}, 50)
		case 3:
			begun.Outcome, begun.Text = task.Failed.String(), "no network"
			if err := a.records.end(id, begun); err != nil {
				t.Fatal(err)
			}
			events.Completed(task.GUID{9}, nil)
			events.Completed(task.GUID{8}, com.Fail)
		}
		if len(got) == 5 {
			break
		}
	}
	want := []string{"snapshot", "synced", "progress none", "ended failed", "ended failed"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if _, still := f.subscribed(id); still {
		t.Error("the watch is still subscribed")
	}
}

func TestWatchThatLags(t *testing.T) {
	f, b := newFake(t)
	id := ensure(t, b, spec("A", 15)).TaskID
	var last error
	for e, err := range b.Watch(t.Context(), wire.WatchQuery{TaskID: id}) {
		if last = err; e.Kind == task.EventSynced {
			events, _ := f.subscribed(id)
			for range task.MaxWatchBuffer + 1 {
				events.Progress(task.GUID{9}, 1)
			}
		}
	}
	if !errors.Is(last, task.ErrWatchLagged) {
		t.Error(last)
	}
}

func TestFacts(t *testing.T) {
	_, b := newFake(t)
	facts, _, err := b.Facts(t.Context())
	if err != nil || len(facts) != 1 || facts[0].Name != task.FactWorkCost || facts[0].Value != task.Medium {
		t.Error(facts, err)
	}
}

// A task that is registered while another process lists the tasks keeps its records.
func TestRegisterWhileListing(t *testing.T) {
	f, b := newFake(t)
	var id task.GUID
	f.listed = func() {
		f.listed = nil
		done, err := b.Register(t.Context(), spec("A", 15), client.Registering{})
		if err != nil {
			t.Fatal(err)
		}
		id = done.TaskID
	}
	if _, err := b.Tasks(t.Context(), wire.TaskQuery{AllGroups: true}); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.opened.records.registration(id); !ok {
		t.Error("the records of the new registration were deleted")
	}
}
