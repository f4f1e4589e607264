package packages

import (
	"fmt"
	"io"
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

const manifestHelp = `Make, check and show the manifest of a package.

A package declares its programs and their task classes in an AppxManifest.xml, on
Windows as on Linux. It is made from a bgtask.toml of a few lines:

  bgtask manifest new ./notes    writes the bgtask.toml of a program
  bgtask manifest build          makes the package folder, for 'bgtask install'
  bgtask manifest check          says what is wrong, here and on Windows
  bgtask manifest show           shows who the package is and what it serves

WHAT is an AppxManifest.xml, a bgtask.toml, or a folder with one of them; it is the
current folder if it is left out. No broker is asked.`

func newManifest(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "manifest",
		Short: "Make, check and show the manifest of a package",
		Long:  manifestHelp,
		Args:  verb.NoSubverb,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newManifestNew(a), newManifestBuild(a), newManifestCheck(a), newManifestShow(a))
	return c
}

// manifestText is the manifest that a command line means.
type manifestText struct {
	name  string // for messages
	data  []byte
	files []string // of the package folder; nil for a manifest by itself
}

// readManifest finds the manifest: a file, one in a folder, or what a declaration
// makes.
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
	return manifestText{}, noManifest(what, fmt.Errorf("there is neither an %s nor a %s", manifest.FileName, declaration.FileName))
}

func noManifest(what string, err error) error {
	return &task.Error{Op: "manifest", Subject: what, Err: fmt.Errorf("%w: %w", task.ErrInvalid, err), Detail: err.Error(), Hint: "'bgtask manifest new' writes a " + declaration.FileName}
}

// declaredManifest is what a declaration makes for this machine.
func declaredManifest(what string) (manifestText, error) {
	d, err := declaration.Load(what)
	if err != nil {
		return manifestText{}, err
	}
	data, err := d.Manifest(declaration.Here().Arch).Marshal()
	return manifestText{name: manifest.FileName, data: data}, err
}

// folderManifest reads it with the names of all files beside it.
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

// readBounded reads one byte more than a manifest may have; reading it then says so.
func readBounded(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, task.MaxManifest+1))
}
