package filled

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bgtask/bgtask/task"
)

// TestEveryMember reads package task for the members of its sealed sets: one that
// the list of this package forgets would be tested nowhere.
func TestEveryMember(t *testing.T) {
	found := map[string][]string{}
	files, err := filepath.Glob("../../task/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv != nil {
				if set, ok := strings.CutPrefix(f.Name.Name, "sealed"); ok {
					found[set] = append(found[set], f.Recv.List[0].Type.(*ast.Ident).Name)
				}
			}
		}
	}
	for set, members := range found {
		var listed []string
		for sealedSet, all := range sealed {
			for _, m := range all {
				if sealedSet.Name() == set {
					listed = append(listed, reflect.TypeOf(m).Name())
				}
			}
		}
		slices.Sort(members)
		slices.Sort(listed)
		if !slices.Equal(members, listed) {
			t.Errorf("task.%s has the members\n%v; filled.go lists\n%v", set, members, listed)
		}
	}
	if len(found) != 2 { // conditions are sealed by a method that they need
		t.Errorf("found the sets %v", found)
	}
}

// TestNothingIsLeftZero: a value of the first half has every field set, and each
// member of a sealed set has its turn.
func TestNothingIsLeftZero(t *testing.T) {
	n, triggers := 0, map[reflect.Type]bool{}
	Each(t, Filler{}, func(t *testing.T, s task.Spec) {
		triggers[reflect.TypeOf(s.Trigger)] = true
		if n++; n > rounds {
			return
		}
		for i, v := 0, reflect.ValueOf(s); i < v.NumField(); i++ {
			if v.Field(i).IsZero() {
				t.Errorf("%s is zero", v.Type().Field(i).Name)
			}
		}
	})
	if delete(triggers, nil); len(triggers) != len(sealed[reflect.TypeFor[task.Trigger]()]) {
		t.Errorf("only the triggers %v", triggers)
	}
}

func TestDiff(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	a := task.Info{Spec: task.Spec{Name: "a", Command: &task.Command{Args: []string{"x", "y"}}}, Registered: at,
		State: task.State{Reasons: []task.Reason{}}}
	b := a
	b.State.Reasons = nil
	if diff := Diff(a, b); diff != "" {
		t.Errorf("equal values differ:\n%s", diff)
	}
	b.Spec.Command = &task.Command{Args: []string{"x", "z"}}
	b.Spec.Trigger = task.ApplicationTrigger{}
	b.Registered = at.In(time.FixedZone("", 3600))
	diff := Diff(a, b)
	for _, want := range []string{"task.Info.Spec.Command.Args[1] is \"z\", not \"y\"", "task.Info.Spec.Trigger is ", "task.Info.Registered is "} {
		if !strings.Contains(diff, want) {
			t.Errorf("%q is not in\n%s", want, diff)
		}
	}
	if lines := strings.Count(diff, "\n") + 1; lines != 3 {
		t.Errorf("%d differences:\n%s", lines, diff)
	}
}
