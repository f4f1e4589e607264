package packages

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/task"
)

func newPackages(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "packages",
		Short: "List installed packages, and whether their tasks may run",
		Args:  verb.Exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := a.Broker.Packages(c.Context())
			switch {
			case err != nil:
				return err
			case a.JSON:
				a.Object(term.Member("packages", term.ListOf(all)))
			default:
				a.showPackages(all)
			}
			return nil
		},
	}
}

func (a *app) showPackages(all []task.Package) {
	t := term.NewTable("PACKAGE", "VERSION", "ACCESS", "CLASSES", "FOLDER")
	for _, p := range all {
		t.Add(term.Text(p.Family), term.Text(term.OrDash(p.Version)), accessCell(p.Access), term.Text(strconv.Itoa(classes(p))), term.Colored(term.Faint, folder(p)))
	}
	a.Table(t)
	for _, p := range all {
		for _, w := range p.Warnings {
			a.Warn("%s: %s", p.Family, w)
		}
	}
}

func accessCell(access task.AccessStatus) term.Cell {
	if !access.Allowed() {
		return term.Colored(term.Red, access.String())
	}
	return term.Text(access.String())
}

func classes(p task.Package) int {
	seen := map[task.GUID]bool{}
	for _, c := range p.Classes {
		seen[c] = true
	}
	for _, s := range p.Servers {
		for _, c := range s.Classes {
			seen[c] = true
		}
	}
	return len(seen)
}

// folder returns the folder of a package, or the program of a package without one.
func folder(p task.Package) string {
	if p.Folder == "" && len(p.Servers) > 0 {
		return p.Servers[0].Executable
	}
	return term.OrDash(p.Folder)
}
