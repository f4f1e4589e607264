package forecast

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

// state is a broker's engine without a broker, from which forecasts are made.
type state struct {
	t     *testing.T
	e     *engine.Engine
	now   engine.Instant
	tasks map[string]task.GUID
	named map[task.GUID]string
	out   engine.Output

	prompt bool // hosts enter Run immediately
}

func newState(t *testing.T, at time.Time, policy task.Policy) *state {
	s := &state{t: t, tasks: map[string]task.GUID{}, named: map[task.GUID]string{},
		now: engine.Instant{Wall: at, Boot: time.Hour, Awake: time.Hour, ID: "boot"}}
	s.e, s.out = engine.Restore(s.now, engine.Config{Seed: 1, Policy: policy, Commands: task.ClassServer{Executable: "/bin/bgtask", Classes: []task.GUID{task.CommandClass}}}, engine.State{})
	return s
}

// step does one step and returns the answers.
func (s *state) step(ev engine.Event) (answers []engine.Answer) {
	s.t.Helper()
	s.out = s.e.Step(s.now, ev)
	if s.out.Defect != nil {
		s.t.Fatal(s.out.Defect)
	}
	for _, a := range s.out.Actions {
		switch a := a.(type) {
		case engine.Reply:
			answers = append(answers, a.Answer)
		case engine.Activate:
			if s.prompt {
				s.step(engine.Accepted{Host: a.Host, Instance: a.Activation.Instance})
			}
		}
	}
	return answers
}

func (s *state) register(spec task.Spec, zone *time.Location) {
	s.t.Helper()
	spec.EntryPoint, spec.Command = task.CommandClass, &task.Command{Path: "/bin/true", Dir: "/"}
	a := s.step(engine.Register{Caller: engine.Caller{All: true}, Package: task.CommandPackage, Spec: spec, Zone: zone})[0]
	if a.Code != "" {
		s.t.Fatalf("%s: %+v", spec.Name, a)
	}
	s.tasks[spec.Name], s.named[a.TaskID] = a.TaskID, spec.Name
}

func (s *state) facts(values ...string) {
	var all []task.Fact
	for _, v := range values {
		name, value, _ := strings.Cut(v, "=")
		all = append(all, task.Fact{Name: name, Value: task.Value(value)})
	}
	s.step(engine.FactsReported{Source: "machine", Facts: all})
}

func (s *state) fork() *engine.Engine {
	s.t.Helper()
	fork, err := s.e.Fork()
	if err != nil {
		s.t.Fatal(err)
	}
	return fork
}

// ask simulates on a fork.
func (s *state) ask(q Question) task.Simulation {
	s.t.Helper()
	got, err := Run(s.fork(), s.now, q)
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

func berlin(t *testing.T) *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// show formats a simulation for transcripts.
func show(s task.Simulation) string {
	var b strings.Builder
	zone := s.Until.Location()
	for _, h := range s.Happenings {
		fmt.Fprintf(&b, "%s  %-8s %s", h.At.Format("Mon 02 Jan 15:04:05 MST"), h.Name, h.Kind)
		switch h.Kind {
		case task.HappensRun:
			if h.Ended.IsZero() {
				b.WriteString(", not over")
			} else {
				fmt.Fprintf(&b, " %s %v", task.Duration(h.Ended.Sub(h.At)), h.Outcome)
			}
			if h.Outcome == task.Canceled || h.Outcome == task.TimedOut {
				fmt.Fprintf(&b, " %d", h.Reason)
			}
			if h.Attempt > 1 {
				fmt.Fprintf(&b, ", attempt %d", h.Attempt)
			}
		case task.HappensMissed:
			fmt.Fprintf(&b, " %d until %s: %v", h.Missed.Count, h.Missed.Last.In(zone).Format("15:04:05"), h.Missed.Cause)
		case task.HappensEnd:
			fmt.Fprintf(&b, " %v", h.End)
		}
		if h.Firings > 1 {
			fmt.Fprintf(&b, ", %d firings", h.Firings)
		}
		if !h.HeldSince.IsZero() {
			fmt.Fprintf(&b, ", held since %s:", h.HeldSince.Format("15:04:05"))
			for _, r := range h.HeldFor {
				fmt.Fprintf(&b, " %v", r.Kind)
				if r.Condition != nil {
					fmt.Fprintf(&b, " %v", r.Condition)
				}
			}
		}
		if h.Text != "" {
			b.WriteString(": " + h.Text)
		}
		b.WriteString("\n")
	}
	for _, p := range s.Tasks {
		fmt.Fprintf(&b, "%-8s %d runs, %d ended, held %s, %d missed, %d expired; at the end %v\n", p.Name, p.Runs, p.Counts.Runs, task.Duration(p.Held), p.Counts.Missed, p.Expired, p.State)
	}
	if s.Stopped != "" {
		fmt.Fprintf(&b, "stopped at %s: %s\n", s.Until.Format("Mon 02 Jan 15:04:05 MST"), s.Stopped)
	}
	return b.String()
}
