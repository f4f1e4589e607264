//go:build linux

package rpc

import (
	"testing"

	"github.com/bgtask/bgtask/task"
)

func TestWhichEventsASubscriberGets(t *testing.T) {
	id, other := task.GUID{1}, task.GUID{2}
	own := task.Event{Kind: task.EventFired, Package: "P", TaskID: id}
	sibling := task.Event{Kind: task.EventFired, Package: "P", TaskID: other}
	foreign := task.Event{Kind: task.EventFired, Package: "Q", TaskID: other}
	internet := task.Event{Kind: task.EventFact, Fact: &task.Fact{Name: task.FactInternet}}
	power := task.Event{Kind: task.EventFact, Fact: &task.Fact{Name: task.FactOnAC}}
	clock := task.Event{Kind: task.EventClock}
	all := []task.Event{own, sibling, foreign, internet, power, clock}
	spec := task.Spec{Trigger: task.ApplicationTrigger{}, Conditions: []task.Condition{task.InternetAvailable}}
	for name, c := range map[string]struct {
		wants wants
		gets  string // y or n for each event
	}{
		"the user":             {wants{all: true}, "yyyyyy"},
		"an application":       {wants{family: "P"}, "yynyyy"},
		"one task":             {wants{all: true, id: id, facts: spec.Facts()}, "ynnyny"},
		"an application's one": {wants{family: "P", id: id, facts: spec.Facts()}, "ynnyny"},
	} {
		for i, ev := range all {
			if got, want := c.wants.event(ev), c.gets[i] == 'y'; got != want {
				t.Errorf("%s, event %d: %v, want %v", name, i, got, want)
			}
		}
	}
}
