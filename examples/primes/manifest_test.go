package primes

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bgtask/bgtask"
	"github.com/bgtask/bgtask/internal/declaration"
	"github.com/bgtask/bgtask/manifest"
)

// The manifest in this folder is the one that its bgtask.toml makes.
func TestManifest(t *testing.T) {
	d, err := declaration.Load(".")
	if err != nil {
		t.Fatal(err)
	}
	made, err := d.Manifest("neutral").Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(made), string(Manifest)); diff != "" {
		t.Errorf("bgtask manifest build --xml AppxManifest.xml --arch neutral changes it (-made +here):\n%s", diff)
	}
	m, found := manifest.Check(manifest.FileName, Manifest, manifest.Options{})
	if !manifest.Sound(found) {
		t.Errorf("it does not pass the check: %v", found)
	}
	class := []bgtask.GUID{Sample.EntryPoint}
	if found := m.CheckClasses(class, class); len(found) > 0 {
		t.Errorf("the program and its manifest differ: %v", found)
	}
}
