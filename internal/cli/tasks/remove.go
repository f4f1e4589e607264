package tasks

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

func newRemove(a *app) *cobra.Command {
	var cancel bool
	c := &cobra.Command{
		Use:               "remove TASK",
		Short:             "Remove a task; its live run finishes first",
		Args:              verb.Exactly(1),
		ValidArgsFunction: a.CompleteTask,
		RunE: func(c *cobra.Command, args []string) error {
			info, err := a.Resolve(c.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.Broker.Unregister(c.Context(), info.TaskID, cancel); err != nil {
				return verb.Named(info, err)
			}
			if a.JSON {
				a.Object(term.Member("removed", removed{info.TaskID, info.Package, info.Spec.Name}))
				return nil
			}
			a.Printf("%s: removed%s\n", term.Clean(info.Spec.Name), afterRemoval(info, cancel))
			return nil
		},
	}
	c.Flags().BoolVar(&cancel, "cancel", false, "cancel the live run")
	a.PackageFlag(c)
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
	return "; its run finishes"
}
