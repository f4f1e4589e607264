package main

import (
	"path/filepath"

	"github.com/spf13/cobra"
)

func newInstall(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "install PATH",
		Short: "Install the package of a folder or a manifest, or update it",
		Args:  exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			path, err := filepath.Abs(args[0]) // the broker is elsewhere
			if err != nil {
				return err
			}
			p, err := a.broker.Install(c.Context(), path)
			switch {
			case err != nil:
				return err
			case a.json:
				a.object(member{"package", p})
				return nil
			}
			a.printf("%s: installed%s, %s, %v\n", p.Family, clean(spaced(p.Version)), plural(classes(p), "class"), p.Access)
			for _, w := range p.Warnings {
				a.warn("%s", w)
			}
			return nil
		},
	}
}

// spaced has a blank before it, if it is anything.
func spaced(s string) string {
	if s == "" {
		return ""
	}
	return " " + s
}
