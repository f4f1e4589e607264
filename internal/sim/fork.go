package sim

import (
	"fmt"
	"reflect"

	"github.com/bgtask/bgtask/internal/engine"
)

// In some histories, and in some steps of them, a fork of the engine lives beside it.
// It gets the same events and must give the same outputs. Other forks are made all the
// time and get different events, which neither the engine nor its twin may notice.
const (
	forkedSeeds = 8
	forkedSteps = 16
)

// forkEngine makes or ends the twin of the broker's engine.
func (m *machine) forkEngine(seed uint64, step int) {
	if m.b == nil || seed%forkedSeeds != 0 {
		return
	}
	switch step % forkedSteps {
	case forkedSteps / 2:
		m.b.twin = m.forkOf(m.b.engine)
	case 0:
		m.b.twin = nil
	}
}

func (m *machine) forkOf(e *engine.Engine) *engine.Engine {
	fork, err := e.Fork()
	if err != nil {
		m.broken("no fork: %v", err)
	}
	return fork
}

// askTwin gives the twin the event that the engine got, and compares their outputs.
func (m *machine) askTwin(ev engine.Event, out engine.Output) {
	twin := m.b.twin
	if twin == nil {
		return
	}
	m.stray(twin)
	if other := twin.Step(m.now, ev); !reflect.DeepEqual(other, out) {
		m.broken("a fork of the engine gives a different output for %s: %s", show(ev), whatDiffers(out, other))
	}
}

// stray makes a fork of the twin and gives it other events.
func (m *machine) stray(twin *engine.Engine) {
	fork, now := m.forkOf(twin), m.now
	if fork == nil {
		return
	}
	for _, t := range fork.Tasks(now, engine.Filter{All: true}) {
		fork.Step(now, engine.Fire{Caller: engine.Caller{All: true}, TaskID: t.TaskID, ByHand: true, Now: true})
		now.Wall, now.Boot, now.Awake = now.Wall.Add(t.Spec.RunLimit), now.Boot+t.Spec.RunLimit, now.Awake+t.Spec.RunLimit
		fork.Step(now, engine.Cancel{Caller: engine.Caller{All: true}, TaskID: t.TaskID, Kill: true})
		fork.Step(now, engine.Unregister{Caller: engine.Caller{All: true}, TaskID: t.TaskID, Cancel: true})
	}
	fork.Step(now, engine.HandOver{})
}

func whatDiffers(a, b engine.Output) string {
	if len(a.Writes) != len(b.Writes) || len(a.Actions) != len(b.Actions) {
		return fmt.Sprintf("%d writes and %d actions; %d and %d", len(a.Writes), len(a.Actions), len(b.Writes), len(b.Actions))
	}
	for i := range a.Writes {
		if !reflect.DeepEqual(a.Writes[i], b.Writes[i]) {
			return text(a.Writes[i]) + "; " + text(b.Writes[i])
		}
	}
	for i := range a.Actions {
		if !reflect.DeepEqual(a.Actions[i], b.Actions[i]) {
			return text(a.Actions[i]) + "; " + text(b.Actions[i])
		}
	}
	return fmt.Sprintf("wake %v; %v", a.Wake, b.Wake)
}
