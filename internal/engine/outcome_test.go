package engine

import (
	"testing"

	"github.com/bgtask/bgtask/task"
)

// TestEveryOutcomeLeadsSomewhere checks that applyOutcome has a case for every outcome.
// Without one, the occurrence would stay live forever with no run.
func TestEveryOutcomeLeadsSomewhere(t *testing.T) {
	for _, row := range task.Outcomes() {
		w := newWorld(t)
		for _, line := range []string{"prompt", "package app class=A", "register Sample event=go", "attach app package=app classes=A", "raise go"} {
			w.run(line)
		}
		if len(w.e.runs) != 1 {
			t.Fatalf("%d runs are live, want 1", len(w.e.runs))
		}
		for _, u := range w.e.runs {
			w.e.endRun(u, ending{outcome: row.Outcome})
			if u.reg.live != nil {
				t.Errorf("internal/engine/outcome.go: applyOutcome has no case for the outcome %q of task/outcome.go; its occurrence stays live", row.Name)
			}
		}
	}
}
