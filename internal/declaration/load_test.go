package declaration

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask/task"
)

const notes = `name = "Contoso.Notes"
publisher = "CN=\"Contoso, Ltd.\", C=US"
version = "1.2.0.0"
description = "Keeps notes"
program = "./cmd/notes"
capabilities = ["internetClient", "broadFileSystemAccess"]

[[tasks]]
name = "SyncNotes"
class = "b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a11"
arguments = "-serve"

[[tasks]]
name = "Clean up"
class = "b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a12"
arguments = "-serve"

[[tasks]]
name = "Report"
class = "b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9a13"
`

func parse(t *testing.T, text string) *Declaration {
	t.Helper()
	d, err := Parse(FileName, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestManifest(t *testing.T) {
	out, err := parse(t, notes).Manifest("arm64").Marshal()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "notes.xml", string(out))
}

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func TestDefaults(t *testing.T) {
	d := parse(t, notes)
	got := []string{d.DisplayName, d.PublisherDisplayName, d.Language, d.Application, d.Background, d.MinWindows, d.Executable}
	want := []string{"Contoso.Notes", "Contoso, Ltd.", "en-us", "App", "transparent", "10.0.19041.0", "notes"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if d := parse(t, strings.Replace(notes, "./cmd/notes", ".", 1)); d.Executable != "notes" {
		t.Errorf("the executable of program . is %q", d.Executable)
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`name = "Contoso.Notes"`, ``, "bgtask.toml: name is missing"},
		{`"Contoso.Notes"`, `"N!"`, `bgtask.toml:1: name = "N!" is not 3 to 50 letters, digits, dots and dashes`},
		{`"CN=\"Contoso, Ltd.\", C=US"`, `"Contoso"`, `bgtask.toml:2: publisher = "Contoso" is not a distinguished name; one looks like CN=Contoso, C=US`},
		{`"1.2.0.0"`, `"1.2"`, `bgtask.toml:3: version = "1.2" is not four numbers of 0 to 65535 without leading zeros; one looks like 1.0.0.0`},
		{`"1.2.0.0"`, `1.2`, `bgtask.toml:3: `},
		{`description = "Keeps notes"`, "descript = \"x\"\nlogos = 1", "bgtask.toml:4: unknown key descript\nbgtask.toml:5: unknown key logos"},
		{`arguments = "-serve"`, `argument = "-serve"`, "bgtask.toml:11: unknown key tasks.argument\nbgtask.toml:16: unknown key tasks.argument"},
		{`"internetClient"`, `"internet"`, `bgtask.toml:6: capabilities: "internet" is not a Windows capability`},
		{`8f0e-7a5c5d3f9a13"`, `8f0e"`, `bgtask.toml:20: class = "b0c5a6f2-6a1d-4c63-8f0e" is not a GUID; one looks like 14C5882B-35D3-41BE-86B2-5106269B97E6`},
		{`9a13"`, `9A12"`, `bgtask.toml:20: class = "b0c5a6f2-6a1d-4c63-8f0e-7a5c5d3f9A12" is also the class of the task "Clean up"; declare each class only once`},
		{`name = "Report"`, ``, `bgtask.toml:18: name is missing`},
		{`program = "./cmd/notes"`, `executable = "a\\b"`, `bgtask.toml:5: executable = "a\\b" uses \ as separator; use /`},
		{`program = "./cmd/notes"`, `executable = "a.exe"`, `bgtask.toml:5: executable = "a.exe" ends in .exe, which is added automatically for Windows`},
		{`program = "./cmd/notes"`, `executable = "../a"`, `bgtask.toml:5: executable = "../a" leaves the package folder`},
		{`program = "./cmd/notes"`, `programs = { "linux/vax" = "a" }`, `bgtask.toml:5: "linux/vax" is not a supported platform`},
		{`program = "./cmd/notes"`, "files = [\"../a\"]", `bgtask.toml:5: files: "../a" is not a path inside the declaration's folder with / as separator`},
		{`program = "./cmd/notes"`, `background = "AliceBlue"`, `bgtask.toml:5: background = "AliceBlue" is not transparent, an HTML color name such as darkSlateGray, or #RRGGBB`},
		{`[[tasks]]`, `[tasks]`, `bgtask.toml:13: `},
		{"name", "name = ", "bgtask.toml:1: "},
	} {
		changed := strings.ReplaceAll(notes, c.old, c.new)
		if changed == notes {
			t.Errorf("%q is not in the text", c.old)
		}
		_, err := Parse(FileName, []byte(changed))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s:\n%v\nwant\n%s", c.new, err, c.want)
		}
	}
	_, err := Parse(FileName, []byte(notes[:strings.Index(notes, "[[tasks]]")]))
	if err == nil || err.Error() != "bgtask.toml: no task is declared" || task.Hint(err) == "" {
		t.Errorf("without tasks: %v", err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); err == nil || task.Hint(err) != "create it with 'bgtask manifest new'" {
		t.Errorf("none: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(notes), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, filepath.Join(dir, FileName)} {
		d, err := Load(name)
		if err != nil || d.Dir != dir || d.Name != "Contoso.Notes" {
			t.Errorf("Load(%s): %v %v", name, d, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(notes))
	f.Add([]byte("[[tasks]]\nname.a = 1\n[programs]\n\"x\" = 'y'"))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(FileName, data)
		if err != nil {
			return
		}
		if _, err := d.Manifest("amd64").Marshal(); err != nil {
			t.Errorf("a valid declaration makes no manifest: %v", err)
		}
	})
}
