package packages

import (
	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

func newUninstall(a *app) *cobra.Command {
	var keep bool
	c := &cobra.Command{
		Use:               "uninstall PACKAGE",
		Short:             "Remove a package and its tasks; cancel their live runs",
		Args:              verb.Exactly(1),
		ValidArgsFunction: a.CompletePackage,
		RunE: func(c *cobra.Command, args []string) error {
			p, err := a.Family(c.Context(), args[0])
			if err != nil {
				return err
			}
			if p.Family == task.CommandPackage {
				return &task.Error{Op: "uninstall", Subject: p.Family, Err: task.ErrInvalid, Detail: "this package holds the command tasks and cannot be removed", Hint: "'bgtask remove TASK' removes a command task"}
			}
			if err := a.Broker.Uninstall(c.Context(), p.Family, keep); err != nil {
				return err
			}
			if a.JSON {
				a.Object(term.Member("uninstalled", p.Family), term.Member("kept_data", keep))
				return nil
			}
			a.Printf("%s: uninstalled%s\n", p.Family, kept(p, keep))
			return nil
		},
	}
	c.Flags().BoolVar(&keep, "keep-data", false, "keep the data folder of the package")
	return c
}

func kept(p task.Package, keep bool) string {
	if keep && p.LocalFolder != "" {
		return "; its data is still in " + p.LocalFolder
	}
	return ""
}
