package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/task"
)

func newPackages(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "packages",
		Short: "Installed packages, and whether their tasks may run",
		Args:  exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := a.packages(c)
			switch {
			case err != nil:
				return err
			case a.json:
				a.object(member{"packages", listOf(all)})
			default:
				a.showPackages(all)
			}
			return nil
		},
	}
}

// packages lists those that -p leaves.
func (a *app) packages(c *cobra.Command) ([]task.Package, error) {
	all, err := a.broker.Packages(c.Context())
	if err != nil || a.pkg == "" {
		return all, err
	}
	p, err := a.family(c.Context(), a.pkg)
	return []task.Package{p}, err
}

func (a *app) showPackages(all []task.Package) {
	t := newTable("PACKAGE", "VERSION", "ACCESS", "CLASSES", "FOLDER")
	for _, p := range all {
		t.add(text(p.Family), text(orDash(p.Version)), accessCell(p.Access), text(strconv.Itoa(classes(p))), colored(faint, folder(p)))
	}
	a.print(t)
	for _, p := range all {
		for _, w := range p.Warnings {
			a.warn("%s: %s", p.Family, w)
		}
	}
}

func accessCell(access task.AccessStatus) cell {
	if !access.Allowed() {
		return colored(red, access.String())
	}
	return text(access.String())
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

// folder is where the package is; of an implied one, its program.
func folder(p task.Package) string {
	if p.Folder == "" && len(p.Servers) > 0 {
		return p.Servers[0].Executable
	}
	return orDash(p.Folder)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
