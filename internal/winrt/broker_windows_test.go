package winrt

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/windows/registry"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/task"
)

// The tests in this file call a substitute for Windows' broker in another process; see
// internal/wine/fixture.
const standIn = `C:\programs\broker.exe`

// served is the class that these tests serve in their own process, like an open
// application.
var served = task.MustGUID("7e570002-0000-4000-8000-0000000000c1")

// windowsBroker controls the substitute: it sends orders and receives words.
type windowsBroker struct {
	t     *testing.T
	in    *json.Encoder
	words chan map[string]any
}

func startBroker(t *testing.T) *windowsBroker {
	t.Helper()
	if _, err := os.Stat(standIn); err != nil {
		needs.Missing(t, "the substitute for Windows' broker", needs.Elsewhere("run the test with scripts/wine"))
	}
	key, _, err := registry.CreateKey(registry.LOCAL_MACHINE, `Software\Classes\CLSID\{`+served.String()+`}\LocalServer32`, registry.SET_VALUE)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), standIn)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := &windowsBroker{t: t, in: json.NewEncoder(in), words: make(chan map[string]any, 1000)}
	go func() {
		defer close(b.words)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			word := map[string]any{}
			if json.Unmarshal(lines.Bytes(), &word) == nil {
				b.words <- word
			}
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()      // ends the broker
		for range b.words { // until it has ended
		}
		if err := cmd.Wait(); err != nil {
			t.Log("the broker:", err)
		}
	})
	b.await("ready")
	return b
}

// await waits for a word and returns its message.
func (b *windowsBroker) await(word string) map[string]any {
	b.t.Helper()
	for got := range b.words {
		if got["word"] == word {
			return got
		}
		if got["word"] == "refused" {
			b.t.Fatal(got)
		}
	}
	b.t.Fatalf("the broker ended without the message %q", word)
	return nil
}

// order sends an order and waits until it is carried out.
func (b *windowsBroker) order(order map[string]any) {
	b.t.Helper()
	if err := b.in.Encode(order); err != nil {
		b.t.Fatal(err)
	}
	b.await("done")
}

func registerAll(t *testing.T, specs ...task.Spec) (ids []task.GUID) {
	t.Helper()
	for _, s := range specs {
		s.EntryPoint = served
		id, err := Register(s)
		if err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		ids = append(ids, id)
	}
	return ids
}

// Registrations with every trigger, with conditions and in groups are listed and
// removed.
func TestRegistrations(t *testing.T) {
	startBroker(t)
	specs := []task.Spec{
		{Name: "Grüße", Trigger: task.TimeTrigger{Freshness: 15 * time.Minute, OneShot: true}, Conditions: []task.Condition{task.InternetAvailable, task.UserPresent}, CancelOnConditionLoss: true},
		{Name: "Maintenance", Trigger: task.MaintenanceTrigger{Freshness: time.Hour}},
		{Name: "System", Trigger: task.SystemTrigger{Type: task.OnTimeZoneChange}, Group: "g"},
		{Name: "Application", Trigger: task.ApplicationTrigger{}, Group: "g"},
		{Name: "Push", Trigger: task.PushNotificationTrigger{}, Group: "other"},
		{Name: "Push of an application", Trigger: task.PushNotificationTrigger{ApplicationID: "App"}},
	}
	ids := registerAll(t, specs...)
	all, err := Tasks()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range specs {
		if !slices.Contains(all, Registered{ID: ids[i], Name: s.Name, Group: s.Group}) {
			t.Errorf("%s %v is not among %v", s.Name, ids[i], all)
		}
	}
	for i, id := range ids {
		if found, err := Unregister(id, i%2 == 0); !found || err != nil {
			t.Errorf("%s: %v, %v", specs[i].Name, found, err)
		}
		if found, err := Unregister(id, false); found || err != nil {
			t.Errorf("%s again: %v, %v", specs[i].Name, found, err)
		}
	}
	if all, err = Tasks(); len(all) != 0 || err != nil {
		t.Error(all, err)
	}
}

func TestRefusals(t *testing.T) {
	startBroker(t)
	for name, c := range map[string]struct {
		spec task.Spec
		want error
	}{
		"short":      {task.Spec{Name: "A", EntryPoint: served, Trigger: task.TimeTrigger{Freshness: 14 * time.Minute}}, task.ErrInvalid},
		"no server":  {task.Spec{Name: "A", EntryPoint: task.GUID{1}, Trigger: task.TimeTrigger{Freshness: time.Hour}}, task.ErrClassNotDeclared},
		"no trigger": {task.Spec{Name: "A", EntryPoint: served, Trigger: task.CalendarTrigger{}}, task.ErrTriggerNotSupported},
	} {
		_, err := Register(c.spec)
		if err = Explain("register", "A", err); !errors.Is(err, c.want) || task.Hint(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAccessAndCost(t *testing.T) {
	b := startBroker(t)
	for _, status := range []task.AccessStatus{task.AlwaysAllowed, task.DeniedByUser} {
		b.order(map[string]any{"do": "access", "number": status})
		if got, err := RequestAccess(t.Context()); got != status || err != nil {
			t.Errorf("%v, want %v: %v", got, status, err)
		}
	}
	for n, cost := range []task.Value{task.Low, task.Medium, task.High, task.Unknown} {
		b.order(map[string]any{"do": "cost", "number": n})
		if got, err := CurrentWorkCost(); got != cost || err != nil {
			t.Errorf("%v, want %v: %v", got, cost, err)
		}
	}
}

// serveClass serves the class in this process.
func serveClass(t *testing.T, run func(*Activation) error) {
	t.Helper()
	factory := com.NewFactory(com.ClassFactory{Make: func() (*com.Unknown, error) { return NewTask(run, nil), nil }})
	cookie, err := com.Register(com.FromTask(served), factory, com.MultipleUse|com.Suspended|com.Agile)
	if err != nil {
		t.Fatal(err)
	}
	if err := com.Resume(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cookie.Revoke(); err != nil {
			t.Error(err)
		}
		factory.Release()
	})
}

// A run in another process than the broker: arguments, progress, cancellation,
// deferral, and the events in the application.
func TestRunAcrossProcesses(t *testing.T) {
	before := com.Count()
	b := startBroker(t)
	type given struct {
		Activated
		reason task.CancellationReason
	}
	runs := make(chan given, 1)
	entered := make(chan struct{}, 1)
	serveClass(t, func(a *Activation) error {
		defer a.Close()
		id, err := a.Read()
		reasons := make(chan task.CancellationReason, 1)
		remove, failed := a.Canceled(func(r task.CancellationReason) { reasons <- r })
		complete, failedToo := a.Defer()
		if err = errors.Join(err, failed, failedToo, a.Progress(4_000_000_000), a.Ask()); err != nil {
			t.Error(err)
			return err
		}
		entered <- struct{}{}
		g := given{id, <-reasons}
		if err := errors.Join(remove(), complete()); err != nil {
			t.Error(err)
		}
		runs <- g
		return com.AccessDenied
	})
	id := registerAll(t, task.Spec{Name: "Application", Trigger: task.ApplicationTrigger{}})[0]
	progress, results := make(chan uint32, 1), make(chan error, 1)
	stop, found, err := Subscribe(id, Events{
		Progress:  func(_ task.GUID, value uint32) { progress <- value },
		Completed: func(_ task.GUID, err error) { results <- err },
	})
	if err != nil || !found {
		t.Fatal(found, err)
	}
	answer, found, err := Request(t.Context(), id, []byte("arguments\x00\xff"))
	if answer != Allowed || !found || err != nil {
		t.Fatal(answer, found, err)
	}
	<-entered
	if v := <-progress; v != 4_000_000_000 {
		t.Error(v)
	}
	if again, _, err := Request(t.Context(), id, nil); again != CurrentlyRunning || err != nil {
		t.Error(again, err)
	}
	b.order(map[string]any{"do": "cancel", "task": id, "reason": task.ReasonSystemPolicy})
	got := <-runs
	details, _ := got.Details.(task.ApplicationTriggerDetails)
	if got.TaskID != id || got.Name != "Application" || got.Instance.IsZero() || got.reason != task.ReasonSystemPolicy || string(details.Arguments) != "arguments\x00\xff" {
		t.Errorf("%+v", got)
	}
	if err := <-results; !errors.Is(err, com.AccessDenied) {
		t.Errorf("the application got the result %v", err)
	}
	stop()
	if found, err := Unregister(id, false); !found || err != nil {
		t.Error(found, err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for com.Count().Objects > before.Objects+1 && time.Now().Before(deadline) { // the factory remains until the end of the test
		time.Sleep(10 * time.Millisecond)
	}
	if after := com.Count(); after.Objects > before.Objects+1 || after.Strings != before.Strings {
		t.Errorf("something leaked: %+v, before %+v", after, before)
	}
}
