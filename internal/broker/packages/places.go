//go:build linux

package packages

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// places are the folders of packages in the state directory.
type places struct {
	data     string // one folder for each family
	versions string // what was extracted from package files: a folder for each version, named with its full name
}

func newPlaces(state string) places {
	return places{data: filepath.Join(state, "packages"), versions: versionsDir(state)}
}

// versionsDir is in the state directory, which belongs to one broker: two brokers would
// sweep each other's versions. It is a real path, because the kernel names programs by
// theirs.
func versionsDir(state string) string {
	if real, err := filepath.EvalSymlinks(filepath.Join(state, "installed")); err == nil {
		return real // perhaps on another disk
	}
	if real, err := filepath.EvalSymlinks(state); err == nil {
		state = real
	}
	return filepath.Join(state, "installed")
}

// localFolder is the folder of a package's data.
func (p places) localFolder(family string) string {
	return filepath.Join(p.data, family, "LocalFolder")
}

func (p places) makeLocalFolder(family string) (string, error) {
	folder := p.localFolder(family)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", &task.Error{Subject: family, Err: fmt.Errorf("%w: %w", task.ErrInternal, err), Detail: "cannot make the package's data folder: " + err.Error()}
	}
	return folder, nil
}

// versionOf is the folder of the installed version in which a program lies, or "".
func (p places) versionOf(exe string) string {
	rel, ok := strings.CutPrefix(exe, p.versions+"/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rel, "/")
	return filepath.Join(p.versions, name)
}

// again separates a full name from a number, when a folder with that name is still in
// use.
const again = "~"

// familyOf returns the family in a version's folder name, which is a full name; it
// returns "" for any other name.
func familyOf(folder string) string {
	name, _, _ := strings.Cut(folder, again)
	parts := strings.Split(name, "_")
	if len(parts) != 5 {
		return ""
	}
	return parts[0] + "_" + parts[4]
}
