package main

import "github.com/spf13/cobra"

func newResume(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "resume TASK",
		Short:             "End a suspension or a back-off",
		Args:              exactly(1),
		ValidArgsFunction: a.completeTask,
		RunE: func(c *cobra.Command, args []string) error {
			info, err := a.resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.broker.Resume(c.Context(), info.TaskID); err != nil {
				return named(info, err)
			}
			if info, err = a.broker.Task(c.Context(), info.TaskID); err != nil {
				return err
			}
			if a.json {
				a.object(member{"task", info})
				return nil
			}
			a.printf("%s: resumed; %s\n", clean(info.Spec.Name), clean(a.state(info.State)))
			return nil
		},
	}
}
