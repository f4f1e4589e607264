package packages

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

func newAccess(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "access [PACKAGE [allow|deny|reset]]",
		Short: "Show or change which packages may run tasks",
		Long: `Show or change which packages may run tasks.

  allow  let the package run tasks, whatever the policy says
  deny   hold its tasks: they stay registered and fire, but do not run
  reset  follow the policy; "commands" is always allowed`,
		Args: verb.Between(0, 2),
		ValidArgsFunction: func(c *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 1 {
				return []string{"allow", "deny", "reset"}, cobra.ShellCompDirectiveNoFileComp
			}
			return a.CompletePackage(c, args, word)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.showAccess(c)
			}
			p, err := a.Family(c.Context(), args[0])
			if err != nil {
				return err
			}
			if len(args) == 2 {
				if p.Access, err = a.setAccess(c, p, args[1]); err != nil {
					return err
				}
			}
			a.printAccess(p)
			return nil
		},
	}
}

func (a *app) showAccess(c *cobra.Command) error {
	all, err := a.Broker.Packages(c.Context())
	if err != nil {
		return err
	}
	if a.JSON {
		granted := make([]grant, len(all))
		for i, p := range all {
			granted[i] = newGrant(p)
		}
		a.Object(term.Member("access", granted))
		return nil
	}
	t := term.NewTable("PACKAGE", "ACCESS")
	for _, p := range all {
		t.Add(term.Text(p.Family), accessCell(p.Access))
	}
	a.Table(t)
	return nil
}

func (a *app) setAccess(c *cobra.Command, p task.Package, word string) (task.AccessStatus, error) {
	var access task.AccessStatus
	switch word {
	case "allow":
		access = task.AlwaysAllowed
	case "deny":
		access = task.DeniedByUser
	case "reset": // command tasks are the user's own, whatever the policy says
		if p.Family == task.CommandPackage {
			access = task.AlwaysAllowed
			break
		}
		status, err := a.Broker.Status(c.Context())
		if err != nil {
			return 0, err
		}
		access = status.Policy.WithDefaults().DefaultAccess
	default:
		return 0, verb.Usage(c, fmt.Sprintf("%q is not allow, deny or reset", word))
	}
	return access, a.Broker.SetAccess(c.Context(), p.Family, access)
}

type grant struct {
	Package string `json:"package"`
	Access  string `json:"access"`
	Number  uint8  `json:"access_number"`
}

func newGrant(p task.Package) grant { return grant{p.Family, p.Access.String(), uint8(p.Access)} }

func (a *app) printAccess(p task.Package) {
	if a.JSON {
		a.Object(term.Member("access", []grant{newGrant(p)}))
		return
	}
	a.Printf("%s: %s\n", p.Family, a.Screen.Paint(accessCell(p.Access).Color, p.Access.String()))
}
