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

// Test is one self-test.
type Test struct {
	Client *bgtask.Client // nil: bgtask.DefaultClient
	Found  func(Finding)  // is told each finding as it is made
	Wait   time.Duration  // how long it waits for the platform to launch the timed task; 0: not at all
}

const (
	prefix    = "bgtask-selftest-"
	freshness = 15 * time.Minute // Windows' least
)

// most bounds everything that should come at once.
const most = 30 * time.Second

// Run tries everything. What was registered is removed, but for the timed task
// when nobody waits for it.
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

// sitting is a Test at work.
type sitting struct {
	*Test
	client  *bgtask.Client
	started time.Time // entries before are another sitting's
	folder  string
	all     []Finding
}

func (s *sitting) find(f Finding) {
	s.all = append(s.all, f)
	if s.Found != nil {
		s.Found(f)
	}
}

// packaged says whether this process has a package, without which nothing can be
// registered.
func (s *sitting) packaged(ctx context.Context) bool {
	folder, err := s.client.LocalFolder(ctx)
	s.find(verdict("package", "its data folder is "+folder, err))
	if err != nil {
		s.find(Finding{Note, "the rest", "not tried: without a package nothing can be registered"})
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

// removeAll removes what an earlier sitting has left.
func (s *sitting) removeAll(ctx context.Context) {
	all, err := s.client.AllTasks(ctx)
	if err != nil {
		return // ensure will tell
	}
	for _, r := range all {
		if strings.HasPrefix(r.Name(), prefix) {
			r.Unregister(ctx, true)
		}
	}
}

// ensure registers a timed task with a condition twice: it is one, and stays as it
// is.
func (s *sitting) ensure(ctx context.Context) {
	b := s.builder("ensure", bgtask.TimeTrigger{Freshness: freshness})
	b.Conditions = []bgtask.Condition{bgtask.InternetAvailable}
	first, err := b.Ensure(ctx)
	if err != nil {
		s.find(Finding{Fail, "TimeTrigger", refusal(err)})
		return
	}
	defer first.Unregister(ctx, true)
	s.find(Finding{OK, "TimeTrigger", "registered, with InternetAvailable, as " + first.TaskID().String()})
	second, err := b.Ensure(ctx)
	if err == nil && second.TaskID() != first.TaskID() {
		err = fmt.Errorf("a second Ensure made another task, %v", second.TaskID())
	}
	s.find(verdict("Ensure", "unchanged by a second one", err))
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

// triggers tells which are taken with a class of our own.
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
		s.find(taken(each.name, err))
		if err == nil {
			r.Unregister(ctx, true)
		}
	}
}
