package task

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// listed is the number of rows of a table, and where the table is.
type listed struct {
	rows  int
	place string
}

// counted lists the enumerations whose constants must all have a row.
var counted = map[string]listed{
	"SystemCondition":    {len(systemConditions.rows), "systemConditions in task/condition_system.go"},
	"SystemTriggerType":  {len(systemTriggers.rows) + 1, "systemTriggers in task/system.go"}, // and OnInvalid
	"Outcome":            {len(outcomes.rows), "outcomes in task/outcome.go"},
	"End":                {len(ends.rows), "ends in task/outcome.go"},
	"Phase":              {len(phases.rows), "phases in task/outcome.go"},
	"AccessStatus":       {len(accesses.rows), "accesses in task/outcome.go"},
	"CancellationReason": {len(reasons.rows), "reasons in task/reason.go"},
	"ReasonKind":         {len(reasonKinds.rows), "reasonKinds in task/explain.go"},
	"MissCause":          {len(missCauses.rows), "missCauses in task/run.go"},
	"EventKind":          {len(eventKinds.rows), "eventKinds in task/run.go"},
}

// TestEveryConstantHasARow checks that every constant has a row. Without one, it has no
// name, and nothing that reads the table knows it.
func TestEveryConstantHasARow(t *testing.T) {
	constants := map[string][]string{}
	for _, decl := range constDecls(t) {
		of := ""
		for _, s := range decl.Specs {
			spec := s.(*ast.ValueSpec)
			if typ, ok := spec.Type.(*ast.Ident); ok {
				of = typ.Name
			}
			if name := spec.Names[0].Name; of != "" && ast.IsExported(name) {
				constants[of] = append(constants[of], name)
			}
		}
	}
	for typ, want := range counted {
		if have := constants[typ]; len(have) != want.rows {
			t.Errorf("%s has %d constants and %d rows. Add the missing one to %s; the constants are %s", typ, len(have), want.rows, want.place, strings.Join(have, " "))
		}
	}
	if n := len(factNamesDeclared(t)); n != len(factRows) {
		t.Errorf("there are %d names of facts and %d rows. Add the missing one to factRows in task/fact.go", n, len(factRows))
	}
}

func constDecls(t *testing.T) (all []*ast.GenDecl) {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if decl, ok := d.(*ast.GenDecl); ok && decl.Tok == token.CONST && !strings.HasSuffix(name, "_test.go") {
				all = append(all, decl)
			}
		}
	}
	return all
}

// factNamesDeclared returns the names of the constants FactInternet and so on.
func factNamesDeclared(t *testing.T) (names []string) {
	for _, decl := range constDecls(t) {
		for _, s := range decl.Specs {
			if name := s.(*ast.ValueSpec).Names[0].Name; strings.HasPrefix(name, "Fact") {
				names = append(names, name)
			}
		}
	}
	return names
}

// TestRowsAreWhole checks that names and numbers are unique, and that both lead back to
// their row.
func TestRowsAreWhole(t *testing.T) {
	checkRows(t, systemConditions)
	checkRows(t, systemTriggers)
	checkRows(t, outcomes)
	checkRows(t, ends)
	checkRows(t, phases)
	checkRows(t, accesses)
	checkRows(t, reasons)
	checkRows(t, reasonKinds)
	checkRows(t, missCauses)
	checkRows(t, eventKinds)
	for _, row := range Reasons() {
		if row.Sent == "" {
			t.Errorf("task/reason.go: the row of %s does not say when it is sent", row.Name)
		}
	}
	for _, row := range Outcomes() {
		if row.Verb == "" {
			t.Errorf("task/outcome.go: the row of %s has no verb", row.Name)
		}
	}
	for _, row := range AccessStatuses() {
		if row.Means == "" {
			t.Errorf("task/outcome.go: the row of %s does not say what it means", row.Name)
		}
	}
	for _, row := range FactTable() {
		if row.Source == "" || len(row.SampleValues()) < 2 {
			t.Errorf("task/fact.go: the row of %s names no source, or has fewer than two sample values", row.Name)
		}
		for _, v := range row.SampleValues() {
			if err := CheckFact(row.Name, v); err != nil {
				t.Errorf("task/fact.go: a sample of %s: %v", row.Name, err)
			}
		}
	}
}

func checkRows[N ~uint8 | ~uint32, R any](t *testing.T, e *enumeration[N, R]) {
	t.Helper()
	var seen []N
	for i := range e.rows {
		n, name := e.key(&e.rows[i])
		got, err := e.parse(name)
		if name == "" || err != nil || got != n || e.row(n) != &e.rows[i] || slices.Contains(seen, n) {
			t.Errorf("the row %d (%q) of %s: %q is read as %d (%v)", n, name, e.typ, name, got, err)
		}
		seen = append(seen, n)
	}
	if !slices.IsSorted(seen) {
		t.Errorf("the rows of %s are not in the order of their numbers", e.typ)
	}
	const none = 254
	if e.row(none) != nil || e.name(none) != e.typ+"(254)" {
		t.Errorf("%s: number %d is %q", e.typ, none, e.name(none))
	}
}
