//go:build linux

package broker

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

func TestWhichPackageACallerIsOf(t *testing.T) {
	installed := []task.Package{
		{Family: task.CommandPackage, Servers: []task.ClassServer{{Executable: "/usr/bin/bgtask"}}},
		{Family: "Linked_1", Folder: "/run/packages/linked", Servers: []task.ClassServer{{Executable: "/nix/store/linked/serve"}}},
		{Family: "Tool_p", Folder: "/state/installed/Tool_2.0.0.0_x64__p"},
		{Family: "Notes_1", Folder: "/opt/notes"},
		{Family: "Plugin_1", Folder: "/opt/notes/plugin"},
		{Family: "Other_1", Folder: "/opt/notesother"},
	}
	type answer struct {
		Family            string
		Implied, Verified bool
		Err               error
	}
	for _, c := range []struct {
		name, exe, claim, launched string
		want                       answer
	}{
		{"by its folder", "/opt/notes/bin/notes", "", "", answer{"Notes_1", false, true, nil}},
		{"by its folder, which is a link", "/nix/store/linked/serve", "", "", answer{"Linked_1", false, true, nil}},
		{"of the version that is installed", "/state/installed/Tool_2.0.0.0_x64__p/tool", "", "", answer{"Tool_p", false, true, nil}},
		{"of an earlier version", "/state/installed/Tool_1.0.0.0_x64__p~2/bin/tool", "", "", answer{"Tool_p", false, true, nil}},
		{"of a version of nothing any more", "/state/installed/Gone_1.0.0.0_x64__p/x", "", "", answer{impliedFamily("/state/installed/Gone_1.0.0.0_x64__p/x"), true, true, nil}},
		{"bgtask itself", "/usr/bin/bgtask", "", "", answer{impliedFamily("/usr/bin/bgtask"), true, true, nil}},
		{"the innermost folder", "/opt/notes/plugin/x", "", "", answer{"Plugin_1", false, true, nil}},
		{"a folder is no prefix", "/opt/notesother/x", "", "", answer{"Other_1", false, true, nil}},
		{"a claim that is true", "/opt/notes/x", "Notes_1", "", answer{"Notes_1", false, true, nil}},
		{"a claim that cannot be seen to be true", "/usr/bin/python3", "Notes_1", "", answer{"Notes_1", false, false, nil}},
		{"a claim of what is not there", "/opt/notes/x", "Nobody_1", "", answer{Err: task.ErrNoPackage}},
		{"a script that was launched", "/usr/bin/python3", "", "Notes_1", answer{"Notes_1", false, true, nil}},
		{"a program that a command runs", "/home/ann/quotes", "", task.CommandPackage, answer{impliedFamily("/home/ann/quotes"), true, true, nil}},
		{"of no package", "/home/ann/quotes", "", "", answer{impliedFamily("/home/ann/quotes"), true, true, nil}},
		{"cannot be seen", "", "", "", answer{Err: task.ErrNoPackage}},
	} {
		b := &broker{versions: "/state/installed"}
		w, err := who{identity: identity{exe: c.exe}, home: b.versionOf(c.exe)}.ofPackage(c.claim, installed, c.launched)
		got := answer{w.family, w.implied, w.verified, nil}
		if err != nil {
			got = answer{Err: c.want.Err}
			if !errors.Is(err, c.want.Err) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if diff := cmp.Diff(c.want, got, cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestASandboxedCallerIsItsApplication(t *testing.T) {
	flatpak := who{identity: identity{sandbox: "org.gnome.Maps"}, user: true}
	for name, claim := range map[string]wire.Caller{"the command line": {User: true}, "another package": {Package: "Notes_1"}} {
		if _, err := flatpak.sandboxed(claim); !errors.Is(err, task.ErrAccessDenied) {
			t.Errorf("it says it is %s: %v", name, err)
		}
	}
	w, err := flatpak.sandboxed(wire.Caller{})
	if err != nil || w.family != "org.gnome.Maps" || w.user || !w.verified {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestSandboxes(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".flatpak-info")
	for text, want := range map[string]string{
		"[Application]\nname=org.gnome.Maps\nruntime=x\n":               "org.gnome.Maps",
		"[Instance]\nname=no\n[Application]\nname=org.gnome.Maps\n":     "org.gnome.Maps",
		"[Runtime]\nname=org.gnome.Sdk\n":                               "org.gnome.Sdk",
		"nothing that is known":                                         "flatpak",
		"[Context]\nshared=network;\n[Application]\nname=a.b.c\nname=d": "a.b.c",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := flatpakID(file); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := flatpakID(file + "-missing"); got != "" {
		t.Errorf("no sandbox: %q", got)
	}
	for label, want := range map[string]string{"snap.firefox.geckodriver (enforce)\n": "snap.firefox", "unconfined\n": "", "": ""} {
		if got := snapName(label); got != want {
			t.Errorf("%q: %q, want %q", label, got, want)
		}
	}
}

func TestTemporaryPrograms(t *testing.T) {
	for exe, want := range map[string]bool{
		"/tmp/go-build123/b001/exe/quotes":         true,
		"/home/ann/.cache/go-build/ab/cd-d/quotes": true,
		"/home/ann/go-builder/quotes":              false,
		"/home/ann/bin/go-build":                   false,
		"/usr/bin/quotes":                          false,
	} {
		if got := temporary(exe); got != want {
			t.Errorf("%s: %v", exe, got)
		}
	}
}

func TestImpliedFamilies(t *testing.T) {
	a, b := impliedFamily("/home/ann/my program"), impliedFamily("/home/bob/my program")
	if a == b {
		t.Errorf("two programs are one package: %s", a)
	}
	if a != impliedFamily("/home/ann/my program") {
		t.Error("one program is two packages")
	}
	if want := "my-program_"; a[:len(want)] != want || len(a) != len(want)+13 {
		t.Errorf("%s", a)
	}
}

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
