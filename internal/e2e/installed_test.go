//go:build linux

package e2e

import (
	"os"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/task"
)

var installing client.Installing // the defaults

// families returns the installed packages by family.
func (w *world) families() map[string]task.Package {
	w.t.Helper()
	all, err := w.user.Packages(w.context())
	if err != nil {
		w.t.Fatal(err)
	}
	packages := make(map[string]task.Package)
	for _, p := range all {
		if p.Family != task.CommandPackage {
			packages[p.Family] = p
		}
	}
	return packages
}

// packages returns the installed packages by name.
func (w *world) packages() map[string]task.Package {
	w.t.Helper()
	packages := make(map[string]task.Package)
	for _, p := range w.families() {
		packages[p.Name] = p
	}
	return packages
}

// awaitFolders waits until the folders of installed versions are those with these
// prefixes.
func (w *world) awaitFolders(prefixes ...string) {
	w.t.Helper()
	eventually(w.t, "the folders of versions are "+strings.Join(prefixes, " "), func() bool {
		entries, _ := os.ReadDir(w.path("state/bgtask/installed"))
		return slices.EqualFunc(entries, prefixes, func(e os.DirEntry, prefix string) bool { return strings.HasPrefix(e.Name(), prefix) })
	})
}
