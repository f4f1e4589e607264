package forecast

import (
	"bufio"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/engine"
	"github.com/bgtask/bgtask/task"
)

var rewrite = flag.Bool("rewrite", false, "update the transcripts to what is predicted; commit the difference only if you understand it")

// TestTranscripts runs every file of testdata: commands, "----", and the forecast, up
// to an empty line. Lines that begin with # are prose.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("%s differs; -rewrite updates it. It is now:\n%s", file, got)
			}
		})
	}
}

// script is a transcript while it is played.
type script struct {
	*state
	zone     *time.Location
	question Question
}

func play(t *testing.T, text string) string {
	zone := berlin(t)
	p := &script{zone: zone, state: newState(t, time.Date(2026, 11, 20, 8, 0, 0, 0, zone), task.Policy{})}
	var got strings.Builder
	answering := false
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		switch line := lines.Text(); {
		case answering && line != "":
		case answering:
			answering = false
			got.WriteString("\n")
		case line == "----":
			got.WriteString("----\n" + show(p.ask(p.question)))
			answering = true
		default:
			got.WriteString(line + "\n")
			if line != "" && !strings.HasPrefix(line, "#") {
				p.run(strings.Fields(line))
			}
		}
	}
	return got.String()
}

func (p *script) run(words []string) {
	switch args := words[1:]; words[0] {
	case "now":
		p.state = newState(p.t, p.time(args[0]), task.Policy{})
	case "facts":
		p.facts(args...)
	case "lost": // the source of facts
		p.step(engine.SourceChanged{State: task.SourceState{Name: "machine", Status: task.SourceGone, Facts: args}})
	case "override":
		name, value, _ := strings.Cut(args[0], "=")
		ev := engine.OverrideFact{Name: name, Value: task.Value(value)}
		if len(args) > 1 {
			ev.For = p.duration(args[1])
		}
		p.step(ev)
	case "task":
		p.register(p.spec(args[0], args[1:]), nil)
	case "fire":
		p.step(engine.Fire{Caller: engine.Caller{All: true}, TaskID: p.tasks[args[0]], ByHand: true})
	case "host": // an application that serves commands
		p.prompt = true
		p.step(engine.Attached{Host: task.Process{PID: 7, Start: 7, Boot: "boot"}, Package: task.CommandPackage, Objects: []task.Object{{CLSID: task.CommandClass}}})
	case "gone":
		p.step(engine.StreamLost{Host: task.Process{PID: 7, Start: 7, Boot: "boot"}})
	case "cancel":
		p.step(engine.Cancel{Caller: engine.Caller{All: true}, TaskID: p.tasks[args[0]]})
	case "advance":
		d := p.duration(args[0])
		p.now.Wall, p.now.Boot, p.now.Awake = p.now.Wall.Add(d), p.now.Boot+d, p.now.Awake+d
		p.step(engine.Tick{})
	case "fresh":
		p.question = Question{}
	case "from":
		p.question.From = p.time(args[0])
	case "until":
		p.question.Until = p.time(args[0])
	case "run":
		d := p.duration(args[0])
		p.question.Lasts = func(task.GUID) (time.Duration, int) { return d, 0 }
	case "suppose":
		name, value, _ := strings.Cut(args[0], "=")
		s := task.Supposition{Fact: name, Value: task.Value(value)}
		if s.Value == "unknown" {
			s.Value = task.Unknown
		}
		if len(args) > 1 {
			s.From, s.Until = p.time(args[1]), p.time(args[2])
		}
		p.question.Suppose = append(p.question.Suppose, s)
	default:
		p.t.Fatalf("unknown command %q", words)
	}
}

func (p *script) duration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		p.t.Fatal(err)
	}
	return d
}

// time parses "09:00", on the current day, or "2026-11-21T09:00"; "-" is no time.
func (p *script) time(s string) time.Time {
	if s == "-" {
		return time.Time{}
	}
	if len(s) == len("15:04") {
		s = p.now.Wall.Format("2006-01-02T") + s
	}
	t, err := time.ParseInLocation("2006-01-02T15:04", s, p.zone)
	if err != nil {
		p.t.Fatal(err)
	}
	return t
}

func (p *script) spec(name string, options []string) task.Spec {
	s := task.Spec{Name: name, Trigger: task.ApplicationTrigger{}}
	for _, option := range options {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "every":
			s.Trigger = task.TimeTrigger{Freshness: p.duration(value)}
		case "once":
			s.Trigger = task.TimeTrigger{Freshness: p.duration(value), OneShot: true}
		case "maintenance":
			s.Trigger = task.MaintenanceTrigger{Freshness: p.duration(value)}
		case "calendar":
			s.Trigger = task.CalendarTrigger{Expr: strings.ReplaceAll(value, "_", " ")}
		case "on":
			edge, err := task.ParseSystemTriggerType(value)
			if err != nil {
				p.t.Fatal(err)
			}
			s.Trigger = task.SystemTrigger{Type: edge}
		case "event":
			s.Trigger = task.CustomSystemEventTrigger{ID: value}
		case "when":
			for _, word := range strings.Split(value, ",") {
				c, err := task.ParseCondition(word)
				if err != nil {
					p.t.Fatal(err)
				}
				s.Conditions = append(s.Conditions, c)
			}
		case "cancel":
			s.CancelOnConditionLoss = true
		case "skip":
			s.Misfire.Policy = task.Skip
		case "drop":
			s.Hold = task.Hold{AtMost: p.duration(value)}
		case "runanyway":
			s.Hold = task.Hold{AtMost: p.duration(value), Then: task.RunAnyway}
		case "limit":
			s.RunLimit = p.duration(value)
		case "exclusive":
			s.Exclusive = value
		case "queue":
			s.Queue = int(value[0] - '0')
		default:
			p.t.Fatalf("unknown option %q", option)
		}
	}
	return s
}
