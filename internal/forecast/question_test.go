package forecast

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// busy makes a state that contains something of everything.
func busy(t *testing.T) *state {
	s := newState(t, time.Date(2026, 11, 20, 8, 0, 0, 0, berlin(t)), task.Policy{})
	s.prompt = true
	s.step(engine.Attached{Host: task.Process{PID: 7, Start: 7, Boot: "boot"}, Package: task.CommandPackage, Objects: []task.Object{{CLSID: task.CommandClass}}})
	s.facts("internet=no", "on-ac=yes")
	s.step(engine.OverrideFact{Name: task.FactUser, Value: task.Away, For: time.Hour})
	s.register(task.Spec{Name: "live", Trigger: task.TimeTrigger{Freshness: time.Minute}, CancelOnConditionLoss: true, Conditions: []task.Condition{task.ACPower}}, nil)
	s.register(task.Spec{Name: "held", Trigger: task.CalendarTrigger{Expr: "*:*"}, Conditions: []task.Condition{task.InternetAvailable}, Queue: 3}, nil)
	s.register(task.Spec{Name: "edge", Trigger: task.SystemTrigger{Type: task.OnInternetAvailable}}, nil)
	for range 150 {
		s.now.Wall, s.now.Boot, s.now.Awake = s.now.Wall.Add(time.Second), s.now.Boot+time.Second, s.now.Awake+time.Second
		s.step(engine.Tick{})
	}
	return s
}

// seen returns everything that the engine shows.
func seen(s *state) string {
	text := fmt.Sprintf("%+v %+v %+v %+v", s.e.Facts(s.now), s.e.Sources(), s.e.Hosts(), s.e.Launches())
	for _, info := range s.e.Tasks(s.now, engine.Filter{All: true}) {
		why, _ := s.e.Why(s.now, info.TaskID)
		text += fmt.Sprintf("\n%+v\n%+v", info, why)
	}
	return text
}

// TestNothingIsChanged checks that a simulation leaves no trace in the engine, neither
// in what it shows nor in what it does next.
func TestNothingIsChanged(t *testing.T) {
	s, twin := busy(t), busy(t)
	before := seen(s)
	got := s.ask(Question{Until: s.now.Wall.Add(24 * time.Hour), Suppose: []task.Supposition{{Fact: task.FactInternet, Value: task.Yes}, {Fact: task.FactOnAC, Value: task.No}}})
	if len(got.Happenings) < 1000 {
		t.Fatalf("got only %d happenings", len(got.Happenings))
	}
	if after := seen(s); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	for range 300 {
		for _, x := range []*state{s, twin} {
			x.now.Wall, x.now.Boot, x.now.Awake = x.now.Wall.Add(time.Second), x.now.Boot+time.Second, x.now.Awake+time.Second
			x.step(engine.Tick{})
		}
		if !reflect.DeepEqual(s.out, twin.out) {
			t.Fatalf("at %v the engine gives\n%+v\nbut one that was never asked gives\n%+v", s.now.Wall, s.out, twin.out)
		}
	}
}

func TestOnlyWhoIsAskedFor(t *testing.T) {
	s := busy(t)
	q := Question{Until: s.now.Wall.Add(time.Hour), Wanted: func(i task.Info) bool { return i.Spec.Name == "held" }}
	got := s.ask(q)
	if len(got.Tasks) != 1 || got.Tasks[0].Name != "held" || len(got.Facts) != 1 || got.Facts[0].Name != task.FactInternet {
		t.Errorf("asked for one task, got %+v, %+v", got.Tasks, got.Facts)
	}
	for _, h := range got.Happenings {
		if h.Name != "held" {
			t.Errorf("got a happening of %s, which was not asked for", h.Name)
		}
	}
	if got.Tasks[0].State.Waiting != 62 {
		t.Errorf("%d firings are waiting, which includes some before the hour", got.Tasks[0].State.Waiting)
	}
}

func TestRefused(t *testing.T) {
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	day := now.Add(24 * time.Hour)
	for what, q := range map[string]Question{
		"no end":           {},
		"the past":         {From: now.Add(-time.Hour), Until: day},
		"backwards":        {From: day, Until: now.Add(time.Hour)},
		"too long":         {Until: now.Add(task.MaxSimulated + time.Hour)},
		"far from now":     {From: now.Add(task.MaxSimulated), Until: now.Add(task.MaxSimulated + time.Hour)},
		"no such fact":     {Until: day, Suppose: []task.Supposition{{Fact: "weather", Value: "fine"}}},
		"no such value":    {Until: day, Suppose: []task.Supposition{{Fact: task.FactOnAC, Value: "maybe"}}},
		"a span backwards": {Until: day, Suppose: []task.Supposition{{Fact: task.FactOnAC, Value: task.No, From: day, Until: now}}},
		"too many":         {Until: day, Suppose: make([]task.Supposition, task.MaxSuppositions+1)},
	} {
		err := q.Check(now)
		if !errors.Is(err, task.ErrInvalid) && !errors.Is(err, task.ErrLimit) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := (Question{Until: now.Add(task.MaxSimulated)}).Check(now); err != nil {
		t.Errorf("the longest simulation that is allowed: %v", err)
	}
}

// TestTooMuchIsReported checks that a simulation with too many happenings ends at a
// complete instant and says why.
func TestTooMuchIsReported(t *testing.T) {
	s := newState(t, time.Date(2026, 11, 20, 8, 0, 0, 0, berlin(t)), task.Policy{})
	for i := range 7 {
		s.register(task.Spec{Name: fmt.Sprint("t", i), Trigger: task.TimeTrigger{Freshness: time.Minute}}, nil)
	}
	got := s.ask(Question{Until: s.now.Wall.Add(7 * 24 * time.Hour)})
	if got.Stopped == "" || !strings.Contains(got.Stopped, fmt.Sprint(task.MaxHappenings)) {
		t.Errorf("%d happenings until %v: %q", len(got.Happenings), got.Until, got.Stopped)
	}
	last := got.Happenings[len(got.Happenings)-1].At
	if len(got.Happenings)%7 != 0 || !got.Until.After(last) || got.Until.Sub(last) > time.Minute {
		t.Errorf("%d happenings, the last one at %v, to %v", len(got.Happenings), last, got.Until)
	}
	for _, p := range got.Tasks {
		if p.Runs != len(got.Happenings)/7 {
			t.Errorf("%s has %d runs of %d", p.Name, p.Runs, len(got.Happenings))
		}
	}
}

func TestGivenUp(t *testing.T) {
	s := busy(t)
	gone := errors.New("the client is gone")
	asked := 0
	_, err := Run(s.fork(), s.now, Question{Until: s.now.Wall.Add(300 * 24 * time.Hour), Over: func() error {
		if asked++; asked > 2 {
			return gone
		}
		return nil
	}})
	if !errors.Is(err, gone) {
		t.Errorf("it ended with %v", err)
	}
}

// BenchmarkSimulate simulates a week of a task that runs each minute.
func BenchmarkSimulate(b *testing.B) {
	s := newState(&testing.T{}, time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), task.Policy{})
	s.register(task.Spec{Name: "t", Trigger: task.TimeTrigger{Freshness: time.Minute}}, nil)
	for b.Loop() {
		if _, err := Run(s.fork(), s.now, Question{Until: s.now.Wall.Add(6 * 24 * time.Hour)}); err != nil {
			b.Fatal(err)
		}
	}
}
