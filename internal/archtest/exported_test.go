package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// public are the packages whose documentation applications read.
var public = []string{"", "bgtasktest", "task", "manifest", "msix"}

// described are methods that an interface documents once for all types.
var described = []string{"MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "Class"}

// TestExportedNamesAreDocumented checks that each exported function, method and type of
// the public packages has a comment that begins with its name, and that each exported
// constant and variable has a comment, or its group has one.
func TestExportedNamesAreDocumented(t *testing.T) {
	all := packages(t, "linux")
	for _, pkg := range public {
		for _, file := range all[pkg].GoFiles {
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, filepath.Join(all[pkg].Dir, file), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				for name, doc := range documented(d) {
					if first, _, _ := strings.Cut(doc.Text(), " "); first != name && first != "A" && first != "An" {
						t.Errorf("%s: the comment of %s must begin with its name, not %q", set.Position(d.Pos()), name, first)
					}
				}
				for _, name := range undocumented(d) {
					t.Errorf("%s: %s has no comment, nor has its group", set.Position(d.Pos()), name)
				}
			}
		}
	}
}

// documented returns the comments of the functions and types that d exports.
func documented(d ast.Decl) map[string]*ast.CommentGroup {
	docs := map[string]*ast.CommentGroup{}
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && exportedReceiver(d) && !slices.Contains(described, d.Name.Name) {
			docs[d.Name.Name] = d.Doc
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() {
				docs[s.Name.Name] = s.Doc
				if s.Doc == nil && len(d.Specs) == 1 {
					docs[s.Name.Name] = d.Doc
				}
			}
		}
	}
	return docs
}

// undocumented lists the constants and variables that d exports without a comment.
func undocumented(d ast.Decl) (names []string) {
	group, ok := d.(*ast.GenDecl)
	if !ok || group.Doc != nil {
		return nil
	}
	for _, s := range group.Specs {
		if s, ok := s.(*ast.ValueSpec); ok && s.Doc == nil && s.Comment == nil && s.Names[0].IsExported() {
			names = append(names, s.Names[0].Name)
		}
	}
	return names
}

// exportedReceiver reports whether d is a function, or a method of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	receiver := d.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	id, ok := receiver.(*ast.Ident)
	return !ok || id.IsExported()
}
