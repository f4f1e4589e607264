package tasks

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

func newWhy(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:               "why TASK",
		Short:             "Explain why a task is, or is not, running",
		Args:              verb.Exactly(1),
		ValidArgsFunction: a.CompleteTask,
		RunE: func(c *cobra.Command, args []string) error {
			info, err := a.Resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			x, err := a.Broker.Why(c.Context(), info.TaskID)
			switch {
			case err != nil:
				return err
			case a.JSON:
				a.Object(term.Member("why", x))
			default:
				a.why(x)
			}
			return nil
		},
	}
	a.PackageFlag(c)
	return c
}

// why prints the engine's explanation. The color repeats the verdict.
func (a *app) why(x task.Explanation) {
	x.At = x.At.In(a.Zone)
	const verdictIndent, textColumn = 2, 13
	verdict, rest, _ := strings.Cut(term.Clean(x.String()), "\n")
	a.Printf("%s\n", a.Screen.Paint(verb.PhaseColor(x.Info.State.Phase), a.Screen.Wrap(verdict, verdictIndent)))
	for line := range strings.Lines(rest) {
		a.Printf("%s\n", a.Screen.Wrap(strings.TrimSuffix(line, "\n"), textColumn))
	}
}
