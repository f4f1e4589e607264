package tasks

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
)

func newResume(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:               "resume TASK",
		Short:             "Let a suspended or backing-off task run again now",
		Args:              verb.Exactly(1),
		ValidArgsFunction: a.CompleteTask,
		RunE: func(c *cobra.Command, args []string) error {
			info, err := a.Resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.Broker.Resume(c.Context(), info.TaskID); err != nil {
				return verb.Named(info, err)
			}
			if info, err = a.Broker.Task(c.Context(), info.TaskID); err != nil {
				return err
			}
			if a.JSON {
				a.Object(term.Member("task", info))
				return nil
			}
			a.Printf("%s: resumed; %s\n", term.Clean(info.Spec.Name), term.Clean(a.state(info.State)))
			return nil
		},
	}
	a.PackageFlag(c)
	return c
}
