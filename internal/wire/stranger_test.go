//go:build unix

package wire

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/bgtask/bgtask/task"
)

func TestStranger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s", "s")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := Stranger(path); err != nil {
		t.Errorf("the user's own broker: %v", err)
	}
	if err := stranger(path, os.Getuid()+1, os.Getuid()); !errors.Is(err, task.ErrAccessDenied) || task.Hint(err) == "" {
		t.Errorf("another user's: %v", err)
	}
}
