package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/task"
)

func newWhy(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "why TASK",
		Short:             "Why it is not running, or why it is",
		Args:              exactly(1),
		ValidArgsFunction: a.completeTask,
		RunE: func(c *cobra.Command, args []string) error {
			info, err := a.resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			x, err := a.broker.Why(c.Context(), info.TaskID)
			switch {
			case err != nil:
				return err
			case a.json:
				a.object(member{"why", x})
			default:
				a.why(x)
			}
			return nil
		},
	}
}

// why prints the engine's answer; colour repeats the verdict.
func (a *app) why(x task.Explanation) {
	x.At = x.At.In(a.zone)
	const verdictIndent, textColumn = 2, 13
	verdict, rest, _ := strings.Cut(clean(x.String()), "\n")
	a.printf("%s\n", a.screen.paint(phaseColor(x.Info.State.Phase), a.screen.wrap(verdict, verdictIndent)))
	for line := range strings.Lines(rest) {
		a.printf("%s\n", a.screen.wrap(strings.TrimSuffix(line, "\n"), textColumn))
	}
}
