//go:build linux

package packages

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

func TestTheOwnerOfAProgram(t *testing.T) {
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
		{"in the installed version", "/state/installed/Tool_2.0.0.0_x64__p/tool", "", "", answer{"Tool_p", false, true, nil}},
		{"in an earlier version", "/state/installed/Tool_1.0.0.0_x64__p~2/bin/tool", "", "", answer{"Tool_p", false, true, nil}},
		{"in a version of a removed package", "/state/installed/Gone_1.0.0.0_x64__p/x", "", "", answer{impliedFamily("/state/installed/Gone_1.0.0.0_x64__p/x"), true, true, nil}},
		{"bgtask itself", "/usr/bin/bgtask", "", "", answer{impliedFamily("/usr/bin/bgtask"), true, true, nil}},
		{"the innermost folder", "/opt/notes/plugin/x", "", "", answer{"Plugin_1", false, true, nil}},
		{"a folder with the same prefix", "/opt/notesother/x", "", "", answer{"Other_1", false, true, nil}},
		{"a verified claim", "/opt/notes/x", "Notes_1", "", answer{"Notes_1", false, true, nil}},
		{"a claim that cannot be verified", "/usr/bin/python3", "Notes_1", "", answer{"Notes_1", false, false, nil}},
		{"a claim of a package that is not installed", "/opt/notes/x", "Nobody_1", "", answer{Err: task.ErrNoPackage}},
		{"a script that was launched", "/usr/bin/python3", "", "Notes_1", answer{"Notes_1", false, true, nil}},
		{"a program that a command runs", "/home/ann/quotes", "", task.CommandPackage, answer{impliedFamily("/home/ann/quotes"), true, true, nil}},
		{"in no package", "/home/ann/quotes", "", "", answer{impliedFamily("/home/ann/quotes"), true, true, nil}},
		{"not visible", "", "", "", answer{Err: task.ErrNoPackage}},
	} {
		o, err := ownerOf(Program{Executable: c.exe}, c.claim, c.launched, places{versions: "/state/installed"}.versionOf(c.exe), installed)
		got := answer{o.Family, o.Implied, o.Verified, nil}
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

func TestASandboxedProgramIsItsApplication(t *testing.T) {
	flatpak := Program{Executable: "/app/maps", Sandbox: "org.gnome.Maps"}
	if _, err := sandboxed(flatpak, "Notes_1"); !errors.Is(err, task.ErrAccessDenied) {
		t.Errorf("a claim of another package: %v", err)
	}
	for _, claim := range []string{"", "org.gnome.Maps"} {
		o, err := sandboxed(flatpak, claim)
		if want := (Owner{Family: "org.gnome.Maps", Implied: true, Verified: true}); err != nil || o != want {
			t.Errorf("with the claim %q: %+v, %v", claim, o, err)
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
