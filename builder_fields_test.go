package bgtask

import (
	"testing"

	"github.com/bgtask/bgtask/internal/filled"
	"github.com/bgtask/bgtask/task"
)

// TestBuilderHasEveryField: a Builder says everything that a registration has but
// its command, which only the command line registers.
func TestBuilderHasEveryField(t *testing.T) {
	filled.Each(t, filled.Filler{}, func(t *testing.T, want task.Spec) {
		want.Command = nil
		if diff := filled.Diff(want, builderOf(want, nil).spec()); diff != "" {
			t.Error(diff)
		}
	})
	filled.Each(t, filled.Filler{}, func(t *testing.T, want Builder) {
		if diff := filled.Diff(want, builderOf(want.spec(), want.Client)); diff != "" {
			t.Error(diff)
		}
	})
}
