package main

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/task"
)

func newRemove(a *app) *cobra.Command {
	var cancel bool
	c := &cobra.Command{
		Use:               "remove TASK",
		Short:             "Unregister a task; a live run finishes",
		Args:              exactly(1),
		ValidArgsFunction: a.completeTask,
		RunE: func(c *cobra.Command, args []string) error {
			info, err := a.resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.broker.Unregister(c.Context(), info.TaskID, cancel); err != nil {
				return named(info, err)
			}
			if a.json {
				a.object(member{"removed", removed{info.TaskID, info.Package, info.Spec.Name}})
				return nil
			}
			a.printf("%s: removed%s\n", clean(info.Spec.Name), afterRemoval(info, cancel))
			return nil
		},
	}
	c.Flags().BoolVar(&cancel, "cancel", false, "cancel a live run (Abort)")
	return c
}

type removed struct {
	TaskID  task.GUID `json:"task_id"`
	Package string    `json:"package"`
	Name    string    `json:"name"`
}

func afterRemoval(info task.Info, cancel bool) string {
	switch {
	case info.State.Run == nil:
		return ""
	case cancel:
		return "; its run is canceled: " + task.ReasonAbort.String()
	}
	return "; its run goes on to its end"
}
