package packages

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgtask/bgtask/internal/cli/verb"
	"github.com/bgtask/bgtask/internal/declaration"
	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/task"
)

const manifestHelp = `Create, check and show the manifest of a package.

A package declares its programs and their task classes in an AppxManifest.xml, on
Windows and on Linux. bgtask generates it from a short bgtask.toml:

  bgtask manifest new ./notes    write the bgtask.toml of a program
  bgtask manifest build          make the package folder, for 'bgtask install'
  bgtask manifest check          find faults, on Linux and on Windows
  bgtask manifest show           show the package and its classes

WHAT is an AppxManifest.xml, a bgtask.toml, or a folder with one of them. It
defaults to the current folder. No broker is needed.`

func newManifest(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "manifest",
		Short: "Create, check and show the manifest of a package",
		Long:  manifestHelp,
		Args:  verb.NoSubverb,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newManifestNew(a), newManifestBuild(a), newManifestCheck(a), newManifestShow(a))
	return c
}

// manifestText is the manifest that a command line names.
type manifestText struct {
	name  string // in messages
	data  []byte
	files []string // in the package folder; nil for a manifest alone
}

// readManifest finds the manifest: a file, one in a folder, or the one that a
// declaration generates.
func readManifest(args []string) (manifestText, error) {
	what := "."
	if len(args) > 0 {
		what = args[0]
	}
	info, err := os.Stat(what)
	if err != nil {
		return manifestText{}, noManifest(what, err)
	}
	switch {
	case !info.IsDir() && strings.HasSuffix(what, ".toml"):
		return declaredManifest(what)
	case !info.IsDir():
		data, err := readBounded(what)
		return manifestText{name: what, data: data}, err
	case exists(filepath.Join(what, manifest.FileName)):
		return folderManifest(what)
	case exists(filepath.Join(what, declaration.FileName)):
		return declaredManifest(what)
	}
	return manifestText{}, noManifest(what, fmt.Errorf("found neither an %s nor a %s", manifest.FileName, declaration.FileName))
}

func noManifest(what string, err error) error {
	return &task.Error{Op: "manifest", Subject: what, Err: fmt.Errorf("%w: %w", task.ErrInvalid, err), Detail: err.Error(), Hint: "'bgtask manifest new' writes a " + declaration.FileName}
}

// declaredManifest returns the manifest that a declaration generates for this machine.
func declaredManifest(what string) (manifestText, error) {
	d, err := declaration.Load(what)
	if err != nil {
		return manifestText{}, err
	}
	data, err := d.Manifest(declaration.Here().Arch).Marshal()
	return manifestText{name: manifest.FileName, data: data}, err
}

// folderManifest reads the manifest of a folder, and the names of all files in it.
func folderManifest(dir string) (manifestText, error) {
	m := manifestText{name: filepath.Join(dir, manifest.FileName), files: []string{}}
	var err error
	if m.data, err = readBounded(m.name); err != nil {
		return m, err
	}
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			m.files = append(m.files, name)
		}
		return err
	})
	return m, err
}
