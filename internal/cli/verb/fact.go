package verb

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/task"
)

// FactSlip is what the table of facts says is wrong, and the nearest names that there
// are; nil: nothing.
func FactSlip(name string, v task.Value) *task.Error {
	var slip *task.Error
	if !errors.As(task.CheckFact(name, v), &slip) {
		return nil
	}
	if near := term.Nearest(name, task.FactNames()); len(near) > 0 && !slices.Contains(task.FactNames(), name) {
		slip.Hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return slip
}

func CompleteFact(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return task.FactNames(), cobra.ShellCompDirectiveNoSpace
}
