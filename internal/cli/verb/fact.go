package verb

import (
	"cmp"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/task"
)

// FactSlip checks a fact's name and value against the table of facts. It returns nil
// when both are right, and suggests the nearest names when the name is unknown.
func FactSlip(name string, v task.Value) *task.Error {
	var slip *task.Error
	if !errors.As(task.CheckFact(name, v), &slip) {
		return nil
	}
	if !slices.Contains(task.FactNames(), name) {
		slip.Hint = cmp.Or(term.DidYouMean(name, task.FactNames()), slip.Hint)
	}
	return slip
}

// CompleteFact offers the names of facts.
func CompleteFact(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return task.FactNames(), cobra.ShellCompDirectiveNoSpace
}
