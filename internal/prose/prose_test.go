package prose

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

// programs are the folders whose string literals a user reads.
var programs = []string{"cmd", "internal/cli"}

// documents are the texts that a user reads.
var documents = []string{"README.md", "SCOPE.md", "CHANGELOG.md", "CONTRIBUTING.md", "doc/*.md"}

// TestCommandLine checks every text that the command line can print.
func TestCommandLine(t *testing.T) {
	checked := 0
	for _, folder := range programs {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			checked++
			return checkLiterals(t, path)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if checked < 50 {
		t.Errorf("only %d files were checked: has the command line moved?", checked)
	}
}

// checkLiterals checks the string literals of a Go file, without imports and tags.
func checkLiterals(t *testing.T, path string) error {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			n.Tag = nil
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil {
				report(t, path, set.Position(n.Pos()).Line, text, strings.HasPrefix(n.Value, "`"))
			}
		}
		return true
	})
	return nil
}

// report fails the test for each phrase in text, which begins at a line of a file. A
// phrase may be broken over two lines.
func report(t *testing.T, path string, line int, text string, multiline bool) {
	t.Helper()
	for _, f := range find(text) {
		at := line
		if multiline {
			at += strings.Count(text[:f.at], "\n")
		}
		t.Errorf("%s:%d: %q; write: %s", filepath.ToSlash(strings.TrimPrefix(path, root+"/")), at, f.phrase, f.instead)
	}
}

type found struct {
	at      int
	phrase  string
	instead string
}

func find(text string) (all []found) {
	flat := allowed.ReplaceAllStringFunc(strings.ReplaceAll(text, "\n", " "), func(s string) string { return strings.Repeat("x", len(s)) })
	for _, r := range rules {
		for _, m := range r.pattern.FindAllStringIndex(flat, -1) {
			all = append(all, found{m[0], flat[m[0]:m[1]], r.instead})
		}
	}
	return all
}

// TestDocuments checks every document, outside its code.
func TestDocuments(t *testing.T) {
	for _, pattern := range documents {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			report(t, path, 1, withoutCode(string(data)), true)
		}
	}
}

// inlineCode is `code` and quoted output in a document.
var inlineCode = regexp.MustCompile("`[^`\n]*`")

// withoutCode blanks the code of a document: fenced and indented blocks, and `code`.
func withoutCode(text string) string {
	fenced := false
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		fence := strings.HasPrefix(strings.TrimSpace(line), "```")
		if fence {
			fenced = !fenced
		}
		switch {
		case fence || fenced || strings.HasPrefix(line, "    ") && !strings.HasPrefix(strings.TrimSpace(line), "- "):
			lines[i] = ""
		default:
			lines[i] = inlineCode.ReplaceAllStringFunc(line, func(s string) string { return strings.Repeat("x", len(s)) })
		}
	}
	return strings.Join(lines, "\n")
}

func TestWithoutCode(t *testing.T) {
	got := withoutCode("text `told` text\n```\ntold\n```\n    told\nmore")
	if want := "text xxxxxx text\n\n\n\n\nmore"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
