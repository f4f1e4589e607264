package forecast

import (
	"fmt"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// app makes a state with a program of an implied package and n tasks of as many classes
// that fire each hour. The source of the energy saver has not reported yet.
func app(t *testing.T, n int) *state {
	s := &state{t: t, tasks: map[string]task.GUID{}, named: map[task.GUID]string{},
		now: engine.Instant{Wall: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), Boot: time.Hour, Awake: time.Hour, ID: "boot"}}
	sources := []task.SourceState{{Name: "saver", Status: task.SourceStarting, Facts: []string{task.FactEnergySaver}}}
	s.e, s.out = engine.Restore(s.now, engine.Config{Seed: 1, Sources: sources}, engine.State{})
	s.step(engine.Imply{Package: task.Package{Family: "app", Name: "app", Folder: "/opt", Servers: []task.ClassServer{{Executable: "/opt/app"}}}})
	for i := range n {
		spec := task.Spec{Name: fmt.Sprint("t", i), EntryPoint: task.GUID{0: byte(i), 15: 1}, Trigger: task.TimeTrigger{Freshness: time.Hour}}
		if a := s.step(engine.Register{Caller: engine.Caller{All: true}, Package: "app", Spec: spec})[0]; a.Code != "" {
			t.Fatalf("%+v", a)
		}
	}
	return s
}

// TestManyClasses checks that all classes of a program with very many run, as many at
// the same time as allowed. A source that has not reported yet holds none of them.
func TestManyClasses(t *testing.T) {
	s := app(t, 3*task.MaxClasses+5)
	got := s.ask(Question{Until: s.now.Wall.Add(150 * time.Minute)})
	for _, p := range got.Tasks {
		if p.Runs != 2 || p.Counts.ByOutcome[task.Completed] != 2 {
			t.Fatalf("%s: got %d runs, %+v; at the end %v", p.Name, p.Runs, p.Counts, p.State)
		}
	}
	last := got.Happenings[len(got.Happenings)-1]
	if first := s.now.Wall.Add(2 * time.Hour); !last.At.After(first) || last.HeldFor[0].Kind != task.WaitPackageSlot {
		t.Errorf("all runs were live at the same time: the last one is %+v", last)
	}
}

// TestUndeclared checks that a task whose class is no longer declared is suspended and
// stays so.
func TestUndeclared(t *testing.T) {
	s := newState(t, time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), task.Policy{})
	class := task.GUID{1}
	install := func(version string, classes ...task.GUID) {
		s.step(engine.Install{Package: task.Package{Family: "p", Name: "p", Version: version, Folder: "/opt", Access: task.AlwaysAllowed, Classes: classes}})
	}
	install("1.0.0.0", class)
	if a := s.step(engine.Register{Caller: engine.Caller{All: true}, Package: "p", Spec: task.Spec{Name: "gone", EntryPoint: class, Trigger: task.TimeTrigger{Freshness: time.Hour}}})[0]; a.Code != "" {
		t.Fatalf("%+v", a)
	}
	install("2.0.0.0")
	got := s.ask(Question{Until: s.now.Wall.Add(3 * time.Hour)})
	if p := got.Tasks[0]; p.Runs != 0 || p.State.Phase != task.Suspended || len(got.Happenings) != 1 || got.Happenings[0].HeldFor[0].Kind != task.WaitSuspended {
		t.Errorf("got a forecast of a task that does not run:\n%s", show(got))
	}
}
