//go:build linux

package packages

import (
	"os"
	"path/filepath"
	"testing"
)

func TestProgramsOfAPackageStayInItsFolder(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "package")
	write := func(path string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(folder, "Bin", "App"), 0o700)
	write(filepath.Join(folder, "data"), 0o600)
	write(filepath.Join(folder, "twice"), 0o700)
	write(filepath.Join(folder, "Twice"), 0o700)
	write(filepath.Join(dir, "outside"), 0o700)
	if err := os.Symlink("../outside", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("Bin/App", filepath.Join(folder, "inside")); err != nil {
		t.Fatal(err)
	}
	resolve := resolver(folder)
	app := filepath.Join(folder, "Bin", "App")
	for rel, want := range map[string]string{
		"Bin/App": app, "bin/app": app, "inside": app, "link": "", "data": "", "missing": "", "TWICE": "", "twice": filepath.Join(folder, "twice"), "Bin": "",
	} {
		got, ok := resolve(rel)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, %v; want %q", rel, got, ok, want)
		}
	}
}
