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
		Short: "Install a package: a package file, a folder or its manifest; or update it",
		Long:  installHelp,
		Args:  verb.Exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			path, err := filepath.Abs(args[0]) // the broker is elsewhere
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
	c.Flags().BoolVar(&how.Unsigned, "allow-unsigned", false, "take a package file that nobody signed")
	c.Flags().BoolVar(&how.Downgrade, "allow-downgrade", false, "take a version older than the installed one")
	return c
}

const installHelp = `Install a package, or update it.

PATH is a package file (.msix), which is checked before anything of it is
written: its signature, that the signer is the publisher, and every digest. Or it
is a folder with an AppxManifest.xml, or that manifest: the package is then
registered where it lies, as a developer does.

An update keeps the tasks. Those that run are canceled with ServicingUpdate and
run again in the new version.`

func (a *app) showInstalled(done wire.Installed) {
	p := done.Package
	if a.JSON {
		a.Object(term.Member("package", p), term.Member("change", verb.ChangeWord(done.Change)))
		return
	}
	version := term.Clean(term.Spaced(p.Version))
	switch done.Change {
	case wire.Unchanged:
		a.Printf("%s: installed already%s; nothing is changed\n", p.Family, version)
	case wire.Updated:
		a.Printf("%s: updated to%s, %s, %v\n", p.Family, version, term.Plural(classes(p), "class"), p.Access)
	default:
		a.Printf("%s: installed%s, %s, %v\n", p.Family, version, term.Plural(classes(p), "class"), p.Access)
	}
	for _, w := range p.Warnings {
		a.Warn("%s", w)
	}
}
