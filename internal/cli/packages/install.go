package packages

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/term"
	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/wire"
)

func newInstall(a *app) *cobra.Command {
	var how client.Installing
	c := &cobra.Command{
		Use:   "install PATH",
		Short: "Install or update a package",
		Long:  installHelp,
		Args:  verb.Exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			path, err := filepath.Abs(args[0]) // the broker has another directory
			if err != nil {
				return err
			}
			done, err := a.Broker.Install(c.Context(), path, how)
			if err != nil {
				return err
			}
			a.showInstalled(done)
			return nil
		},
	}
	c.Flags().BoolVar(&how.Unsigned, "allow-unsigned", false, "install a package file without a signature")
	c.Flags().BoolVar(&how.Downgrade, "allow-downgrade", false, "install a version older than the installed one")
	return c
}

const installHelp = `Install or update a package.

PATH is a package file (.msix), or a folder with an AppxManifest.xml, or that
manifest. A package file is verified before anything is written: its signature,
that the signer is the publisher, and every digest. A folder is registered in
place, which is meant for development.

An update keeps the tasks of the package. Live runs are canceled with
ServicingUpdate, and run again in the new version.`

func (a *app) showInstalled(done wire.Installed) {
	p := done.Package
	if a.JSON {
		a.Object(term.Member("package", p), term.Member("change", verb.ChangeWord(done.Change)))
		return
	}
	version := term.Clean(term.Spaced(p.Version))
	switch done.Change {
	case wire.Unchanged:
		a.Printf("%s: already installed%s; nothing changed\n", p.Family, version)
	case wire.Updated:
		a.Printf("%s: updated to%s, %s, %v\n", p.Family, version, term.Plural(classes(p), "class"), p.Access)
	default:
		a.Printf("%s: installed%s, %s, %v\n", p.Family, version, term.Plural(classes(p), "class"), p.Access)
	}
	for _, w := range p.Warnings {
		a.Warn("%s", w)
	}
}
