//go:build linux

package broker

import (
	"os"
	"path/filepath"
	"testing"
)

// TestStateID: the id stays with its directory, also when that is moved, and a
// copy gets another.
func TestStateID(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	id := func(dir string) string {
		t.Helper()
		id, err := stateID(dir)
		if err != nil || len(id) < 20 {
			t.Fatalf("stateID: %q, %v", id, err)
		}
		return id
	}
	first := id(dir)
	if again := id(dir); again != first {
		t.Errorf("the id changed from %s to %s", first, again)
	}
	moved, copied := dir+".moved", dir+".copied"
	if err := os.Rename(dir, moved); err != nil {
		t.Fatal(err)
	}
	if again := id(moved); again != first {
		t.Errorf("the directory was moved, and its id changed from %s to %s", first, again)
	}
	if err := os.CopyFS(copied, os.DirFS(moved)); err != nil {
		t.Fatal(err)
	}
	other := id(copied)
	if other == first {
		t.Error("a copy has the id of the original")
	}
	if again := id(copied); again != other {
		t.Errorf("the copy's id changed from %s to %s", other, again)
	}
}
