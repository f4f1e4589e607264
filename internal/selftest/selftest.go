package selftest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/bgtask/bgtask"
)

// Test is a self-test.
type Test struct {
	Client *bgtask.Client // nil means bgtask.DefaultClient
	Found  func(Finding)  // called with each finding; may be nil
	Wait   time.Duration  // how long to wait for the platform to launch the timed task; 0 to not wait
}

const (
	prefix    = "bgtask-selftest-"
	freshness = 15 * time.Minute // the minimum on Windows
)

// most is the time limit for everything that should happen immediately.
const most = 30 * time.Second

// Run performs all tests and returns their findings. It removes what it
// registered, except for the timed task if the test does not wait for it.
func (t *Test) Run(ctx context.Context) []Finding {
	s := &sitting{Test: t, client: t.Client, started: time.Now()}
	if s.client == nil {
		s.client = bgtask.DefaultClient
	}
	s.find(Finding{Note, "system", fmt.Sprintf("%s, %s/%s, %s", systemName(), runtime.GOOS, runtime.GOARCH, runtime.Version())})
	if !s.packaged(ctx) {
		return s.all
	}
	s.removeAll(ctx)
	s.ensure(ctx)
	s.triggers(ctx)
	s.inProcess(ctx)
	s.launched(ctx)
	return s.all
}

// sitting is one execution of a Test.
type sitting struct {
	*Test
	client  *bgtask.Client
	started time.Time // earlier entries belong to other sittings
	folder  string
	all     []Finding
}

func (s *sitting) find(f Finding) {
	s.all = append(s.all, f)
	if s.Found != nil {
		s.Found(f)
	}
}

// packaged reports whether this process has a package, without which nothing can
// be registered.
func (s *sitting) packaged(ctx context.Context) bool {
	folder, err := s.client.LocalFolder(ctx)
	s.find(verdict("package", "its data folder is "+folder, err))
	if err != nil {
		s.find(Finding{Note, "the rest", "skipped: without a package nothing can be registered"})
		return false
	}
	s.folder = folder
	access, err := s.client.RequestAccess(ctx)
	s.find(verdict("access", access.String(), err))
	return true
}

func (s *sitting) builder(name string, trigger bgtask.Trigger) bgtask.Builder {
	return bgtask.Builder{Name: prefix + name, EntryPoint: Class.CLSID, Trigger: trigger, Client: s.client}
}

// removeAll removes the tasks that an earlier sitting left.
func (s *sitting) removeAll(ctx context.Context) {
	all, err := s.client.AllTasks(ctx)
	if err != nil {
		return // ensure reports the error
	}
	for _, r := range all {
		if strings.HasPrefix(r.Name(), prefix) {
			s.remove(ctx, r)
		}
	}
}

// ensure registers the same timed task with a condition twice. The second call
// must not change it.
func (s *sitting) ensure(ctx context.Context) {
	b := s.builder("ensure", bgtask.TimeTrigger{Freshness: freshness})
	b.Conditions = []bgtask.Condition{bgtask.InternetAvailable}
	first, err := b.Ensure(ctx)
	if err != nil {
		s.find(Finding{Fail, "TimeTrigger", refusal(err)})
		return
	}
	defer s.remove(ctx, first)
	s.find(Finding{OK, "TimeTrigger", "registered, with InternetAvailable, as " + first.TaskID().String()})
	second, err := b.Ensure(ctx)
	if err == nil && second.TaskID() != first.TaskID() {
		err = fmt.Errorf("a second Ensure created another task, %v", second.TaskID())
	}
	s.find(verdict("Ensure", "unchanged by a second call", err))
	s.find(verdict("AllTasks", "lists it", s.lists(ctx, first)))
}

func (s *sitting) lists(ctx context.Context, r *bgtask.Registration) error {
	all, err := s.client.AllTasks(ctx)
	for _, other := range all {
		if other.TaskID() == r.TaskID() && other.Name() == r.Name() {
			return nil
		}
	}
	if err == nil {
		err = errors.New("it is not listed")
	}
	return err
}

// triggers reports which triggers are accepted with a class of our own.
func (s *sitting) triggers(ctx context.Context) {
	for _, each := range []struct {
		name    string
		trigger bgtask.Trigger
	}{
		{"MaintenanceTrigger", bgtask.MaintenanceTrigger{Freshness: freshness}},
		{"one-shot TimeTrigger", bgtask.TimeTrigger{Freshness: freshness, OneShot: true}},
		{"InternetAvailable", bgtask.SystemTrigger{Type: bgtask.OnInternetAvailable}},
		{"TimeZoneChange", bgtask.SystemTrigger{Type: bgtask.OnTimeZoneChange}},
		{"SessionConnected", bgtask.SystemTrigger{Type: bgtask.OnSessionConnected}},
		{"UserPresent", bgtask.SystemTrigger{Type: bgtask.OnUserPresent}},
		{"ServicingComplete", bgtask.SystemTrigger{Type: bgtask.OnServicingComplete}},
		{"ApplicationTrigger", bgtask.ApplicationTrigger{}},
	} {
		r, err := s.builder("trigger", each.trigger).Register(ctx)
		s.find(triggerFinding(each.name, err))
		if err == nil {
			s.remove(ctx, r)
		}
	}
}
