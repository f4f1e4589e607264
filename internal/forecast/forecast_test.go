package forecast

import (
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

func TestSmoke(t *testing.T) {
	zone := berlin(t)
	s := newState(t, time.Date(2026, 11, 20, 8, 0, 0, 0, zone), task.Policy{})
	s.facts("internet=yes", "on-ac=yes")
	s.register(task.Spec{Name: "backup", Trigger: task.TimeTrigger{Freshness: time.Hour}, Conditions: []task.Condition{task.ACPower}, CancelOnConditionLoss: true}, nil)
	s.register(task.Spec{Name: "report", Trigger: task.CustomSystemEventTrigger{ID: "x"}}, nil)
	s.register(task.Spec{Name: "skip", Trigger: task.TimeTrigger{Freshness: 10 * time.Minute}, Misfire: task.Misfire{Policy: task.Skip}, Conditions: []task.Condition{task.InternetAvailable}, Hold: task.Hold{AtMost: time.Hour}}, nil)
	s.register(task.Spec{Name: "online", Trigger: task.SystemTrigger{Type: task.OnInternetAvailable}}, nil)
	at := func(h, m int) time.Time { return time.Date(2026, 11, 20, h, m, 0, 0, zone) }
	got := s.ask(Question{Until: at(14, 0), Lasts: func(task.GUID) (time.Duration, int) { return 5 * time.Minute, 3 },
		Suppose: []task.Supposition{{Fact: "on-ac", Value: "no", From: at(9, 2), Until: at(11, 30)}, {Fact: "internet", Value: "no", From: at(9, 2), Until: at(12, 30)}}})
	t.Log("\n" + show(got))
}
