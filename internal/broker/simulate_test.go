//go:build linux

package broker_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

// timed registers a task of the package that fires at an interval.
func (r *rig) timed(p task.Package, name string, every time.Duration, conditions ...task.Condition) task.GUID {
	r.t.Helper()
	spec := task.Spec{Name: name, EntryPoint: manyClass, Trigger: task.TimeTrigger{Freshness: every}, Conditions: conditions}
	done, err := r.user.Register(r.t.Context(), spec, client.Registering{Package: p.Family})
	if err != nil {
		r.t.Fatal(err)
	}
	return done.TaskID
}

func (r *rig) simulate(q wire.SimulateQuery) task.Simulation {
	r.t.Helper()
	s, err := r.user.Simulate(r.t.Context(), q)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// shown is everything that a broker shows of its state, except what depends on the clock.
func (r *rig) shown() string {
	r.t.Helper()
	all, err := r.user.Tasks(r.t.Context(), wire.TaskQuery{AllGroups: true})
	if err != nil {
		r.t.Fatal(err)
	}
	for i := range all {
		all[i].State.Now, all[i].State.Next = time.Time{}, time.Time{}
	}
	facts, sources, err := r.user.Facts(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	var events []task.Event
	for ev, err := range r.user.History(r.t.Context(), wire.HistoryQuery{}) {
		if err != nil {
			r.t.Fatal(err)
		}
		events = append(events, ev)
	}
	text, err := json.MarshalIndent([]any{r.now(), all, facts, sources, events}, "", " ")
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

func TestASimulationChangesNothing(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	hourly := r.timed(p, "hourly", time.Hour, task.InternetAvailable)
	r.timed(p, "daily", 24*time.Hour)
	since := r.now()
	for range 3 {
		r.fire(hourly, "")
		r.awaitEnd(since, hourly)
		since = r.now()
	}
	before := r.shown()
	until := time.Now().Add(72*time.Hour + 30*time.Minute)
	s := r.simulate(wire.SimulateQuery{Until: until, Suppose: []task.Supposition{{Fact: task.FactInternet, Value: task.No, From: time.Now().Add(48 * time.Hour)}}})
	if d := cmp.Diff(before, r.shown()); d != "" {
		t.Errorf("a simulation has changed what the broker shows:\n%s", d)
	}
	if len(s.Tasks) != 2 || s.Tasks[1].Runs != 48 || s.Tasks[0].Runs != 3 || s.Tasks[1].State.Waiting != 24 {
		t.Errorf("in three days, the last of them offline: %+v", s.Tasks)
	}
	if h := s.Tasks[1]; h.LastsOf != 3 || h.Lasts <= 0 || s.Tasks[0].LastsOf != 0 || s.Tasks[0].Lasts != task.SimulatedRun {
		t.Errorf("runs last %v, by %d; and %v, by %d", h.Lasts, h.LastsOf, s.Tasks[0].Lasts, s.Tasks[0].LastsOf)
	}
	again := r.simulate(wire.SimulateQuery{Until: until, RunFor: time.Minute, TaskIDs: []task.GUID{hourly}})
	if len(again.Tasks) != 1 || again.Tasks[0].Lasts != time.Minute || slices.ContainsFunc(again.Happenings, func(h task.Happening) bool { return h.TaskID != hourly }) {
		t.Errorf("of one task: %+v", again.Tasks)
	}
}

// The loop only makes the fork, so no real run waits for a simulation, even one of half a
// million steps. A simulation ends when its caller goes away.
func TestRunsGoOnDuringASimulation(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	id := r.register(p, "real", manyClass)
	for _, name := range []string{"a", "b", "c"} {
		r.timed(p, name, time.Minute)
	}
	simulate := func(ctx context.Context, days int) error {
		_, err := r.user.Simulate(ctx, wire.SimulateQuery{Until: time.Now().Add(time.Duration(days) * 24 * time.Hour), TaskIDs: []task.GUID{id}})
		return err
	}
	ended := make(chan error, 1)
	began := time.Now()
	go func() { ended <- simulate(t.Context(), 60) }()
	var longest time.Duration
	since := r.now()
	for over := false; !over; {
		fired := time.Now()
		r.fire(id, "")
		r.awaitEnd(since, id)
		since, longest = r.now(), max(longest, time.Since(fired))
		select {
		case err := <-ended:
			if over = true; err != nil {
				t.Error(err)
			}
		default:
		}
	}
	if took := time.Since(began); longest > took/2 {
		t.Errorf("of %v in which was simulated a run took %v", took, longest)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- simulate(ctx, 365) }()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("it ends with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	r.simulate(wire.SimulateQuery{Until: time.Now().Add(time.Hour)}) // the next one has its turn
}

// A broker that has just started waits for the reports of its sources before it simulates.
func TestASimulationWaitsForTheSources(t *testing.T) {
	r := newRig(t)
	r.timed(r.install("1.0.0.0"), "online", time.Hour, task.InternetAvailable)
	r.handOver()
	r.source.begin = make(chan struct{})
	r.start()
	time.AfterFunc(200*time.Millisecond, func() { close(r.source.begin) })
	if s := r.simulate(wire.SimulateQuery{Until: time.Now().Add(150 * time.Minute)}); s.Tasks[0].Runs != 2 {
		t.Errorf("while the source was silent: %+v", s)
	}
}

func TestWhoMaySimulateWhat(t *testing.T) {
	r := newRig(t)
	p := r.install("1.0.0.0")
	own := r.timed(p, "own", time.Hour)
	spec := task.Spec{Name: "other", EntryPoint: task.CommandClass, Trigger: task.TimeTrigger{Freshness: time.Hour}, Command: &task.Command{Path: "/bin/true", Dir: "/"}}
	done, err := r.user.Register(t.Context(), spec, client.Registering{Package: task.CommandPackage})
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(90 * time.Minute)
	app := &client.Client{Socket: r.socket, Package: p.Family, Start: client.NoStart, Logger: slog.New(slog.DiscardHandler)}
	defer app.Close()
	s, err := app.Simulate(t.Context(), wire.SimulateQuery{Until: until})
	if err != nil || len(s.Tasks) != 1 || s.Tasks[0].TaskID != own || len(s.Happenings) != 1 {
		t.Errorf("an application sees %+v, %v", s, err)
	}
	if _, err := app.Simulate(t.Context(), wire.SimulateQuery{Until: until, TaskIDs: []task.GUID{done.TaskID}}); !errors.Is(err, task.ErrNotRegistered) {
		t.Errorf("the task of another: %v", err)
	}
	if _, err := app.Simulate(t.Context(), wire.SimulateQuery{Until: until, Package: task.CommandPackage}); !errors.Is(err, task.ErrAccessDenied) {
		t.Errorf("the package of another: %v", err)
	}
	if all := r.simulate(wire.SimulateQuery{Until: until}); len(all.Tasks) != 2 {
		t.Errorf("the user sees %+v", all.Tasks)
	}
	for what, q := range map[string]wire.SimulateQuery{
		"no end": {}, "a fact that nothing reads": {Until: until, Suppose: []task.Supposition{{Fact: "weather", Value: "fine"}}}, "runs that end before they begin": {Until: until, RunFor: -1},
		"the past": {From: time.Now().Add(-time.Hour), Until: until},
	} {
		if _, err := r.user.Simulate(t.Context(), q); !errors.Is(err, task.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := r.user.Simulate(t.Context(), wire.SimulateQuery{Until: time.Now().Add(2 * task.MaxSimulated)}); !errors.Is(err, task.ErrLimit) {
		t.Errorf("two years: %v", err)
	}
}
