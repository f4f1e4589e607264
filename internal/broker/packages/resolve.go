//go:build linux

package packages

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/manifest"
)

// resolver returns a function that finds programs in a package folder. It follows no
// link out of the folder, and ignores case unless two names differ in nothing else.
func resolver(folder string) manifest.Resolve {
	return func(rel string) (string, bool) {
		path, ok := findFile(folder, rel)
		if !ok {
			return "", false
		}
		real, err := filepath.EvalSymlinks(path)
		if err != nil || !strings.HasPrefix(real, folder+"/") {
			return "", false
		}
		info, err := os.Stat(real)
		return real, err == nil && info.Mode().IsRegular() && unix.Access(real, unix.X_OK) == nil && !forWindows(real)
	}
}

// forWindows reports whether a program is one for Windows. A package may contain a
// program for each system, where that for Windows has the suffix .exe.
func forWindows(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	var head [2]byte
	_, err = io.ReadFull(file, head[:])
	return err == nil && string(head[:]) == "MZ"
}

func findFile(folder, rel string) (string, bool) {
	path := folder
	for _, name := range strings.Split(rel, "/") {
		exact := filepath.Join(path, name)
		if _, err := os.Lstat(exact); err == nil {
			path = exact
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return "", false
		}
		found := ""
		for _, e := range entries {
			if strings.EqualFold(e.Name(), name) {
				if found != "" {
					return "", false
				}
				found = e.Name()
			}
		}
		if found == "" {
			return "", false
		}
		path = filepath.Join(path, found)
	}
	return path, true
}
