package packages

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/task"
)

// TestAsk checks that bgtask asks only for what is not given.
func TestAsk(t *testing.T) {
	var f newFlags
	f.d.Publisher = "CN=Contoso"
	var out bytes.Buffer
	f.ask(strings.NewReader("Contoso.Notes\n Sync \n"), &out)
	if f.d.Name != "Contoso.Notes" || len(f.d.Tasks) != 1 || f.d.Tasks[0].Name != "Sync" || f.d.Tasks[0].ID().IsZero() {
		t.Errorf("answered: %+v", f.d)
	}
	if want := "Name of the package, like Contoso.Notes: Name of a task: "; out.String() != want {
		t.Errorf("asked %q, want %q", out.String(), want)
	}
	f = newFlags{}
	if f.ask(strings.NewReader(""), &out); len(f.missing()) != 3 {
		t.Errorf("without answers only %q is missing", f.missing())
	}
}

func TestNewClass(t *testing.T) {
	a, b := newClass(), newClass()
	if a == b {
		t.Error("two are the same")
	}
	if _, err := task.ParseGUID(a.String()); err != nil || a.String()[14] != '4' {
		t.Errorf("%v is no random GUID: %v", a, err)
	}
}
