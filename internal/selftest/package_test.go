package selftest_test

import (
	"path/filepath"
	"testing"

	"github.com/bgtask/bgtask/internal/declaration"
	"github.com/bgtask/bgtask/internal/selftest"
)

// The published package declares the class that is served.
func TestThePackageDeclaresTheClass(t *testing.T) {
	d, err := declaration.Load(filepath.Join("..", "..", "packaging", "selftest", declaration.FileName))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Tasks) != 1 || d.Tasks[0].ID() != selftest.Class.CLSID || d.Tasks[0].Arguments != "selftest --serve" {
		t.Errorf("%+v, want %v with \"selftest --serve\"", d.Tasks, selftest.Class.CLSID)
	}
}
