package archtest

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/bgtask/bgtask"

// allowed lists which of our packages each package may import. Imports only point down.
// A package that is not listed fails the test.
var allowed = map[string][]string{
	"":                     {"task", "internal/client", "internal/wire", "internal/platform", "internal/describe"},
	"bgtasktest":           {"", "task", "internal/engine", "internal/wire", "internal/client", "internal/calendar"},
	"task":                 {},
	"manifest":             {"task"},
	"msix":                 {"manifest"},
	"proto/bgtask/v1":      {},
	"internal/archtest":    {},
	"internal/prose":       {},
	"internal/calendar":    {},
	"internal/debian":      {},
	"internal/needs":       {},
	"internal/filled":      {"task"},
	"internal/setup":       {"packaging", "task"},
	"packaging":            {},
	"internal/engine":      {"task", "internal/calendar"},
	"internal/sim":         {"internal/engine", "task", "internal/calendar"},
	"internal/forecast":    {"internal/engine", "task"},
	"internal/source":      {"internal/needs", "task"},
	"internal/store":       {"internal/engine", "internal/filled", "task"},
	"internal/process":     {"task"},
	"internal/com":         {"task"},
	"internal/winrt":       {"internal/com", "task"},
	"internal/wine":        {"internal/debian", "internal/needs"},
	"internal/wire":        {"task", "proto/bgtask/v1"},
	"internal/client":      {"internal/wire", "task", "proto/bgtask/v1"},
	"internal/platform":    {"internal/client", "internal/winbroker", "task"},
	"internal/selftest":    {"", "task"},
	"internal/command":     {"", "task", "internal/client"},
	"internal/declaration": {"manifest", "task"},
	"internal/describe":    {"internal/client", "internal/wire", "task"},
	"internal/demo":        {"internal/client", "internal/wire", "examples/primes", "task"},
	"internal/winbroker":   {"internal/winrt", "internal/com", "internal/client", "internal/wire", "task"},

	// The command line: rooms that do not know each other, over what they share.
	"internal/cli/term":       {"task"},
	"internal/cli/verb":       {"internal/cli/term", "internal/client", "internal/wire", "task"},
	"internal/cli/tasks":      {"internal/cli/term", "internal/cli/verb", "internal/client", "internal/wire", "task"},
	"internal/cli/adding":     {"internal/cli/term", "internal/cli/verb", "internal/client", "internal/wire", "internal/calendar", "task"},
	"internal/cli/following":  {"internal/cli/term", "internal/cli/verb", "internal/wire", "task"},
	"internal/cli/simulating": {"internal/cli/term", "internal/cli/verb", "internal/wire", "task"},
	"internal/cli/machine":    {"internal/cli/term", "internal/cli/verb", "internal/wire", "internal/selftest", "", "task"},
	"internal/cli/packages":   {"internal/cli/term", "internal/cli/verb", "internal/client", "internal/wire", "internal/declaration", "internal/describe", "manifest", "msix", "task"},
	"cmd/bgtask": {"internal/cli/term", "internal/cli/verb", "internal/cli/tasks", "internal/cli/adding", "internal/cli/following", "internal/cli/simulating", "internal/cli/machine", "internal/cli/packages",
		"internal/broker", "internal/client", "internal/command", "internal/demo", "internal/setup", "internal/source", "internal/store", "examples/primes", "task"},

	// The rooms of the broker, from the top of its import graph down.
	"internal/broker":          {"internal/engine", "internal/process", "internal/source", "internal/store", "internal/wire", "task"},
	"internal/broker/rpc":      {"internal/broker/hosts", "internal/broker/loop", "internal/broker/packages", "internal/broker/systemd", "internal/broker/watch", "internal/calendar", "internal/engine", "internal/forecast", "internal/process", "internal/store", "internal/wire", "proto/bgtask/v1", "task"},
	"internal/broker/hosts":    {"internal/broker/loop", "internal/engine", "internal/wire", "proto/bgtask/v1", "task"},
	"internal/broker/launches": {"internal/broker/fault", "internal/engine", "internal/process", "task"},
	"internal/broker/watch":    {"internal/broker/fault", "internal/broker/loop", "internal/engine", "internal/source", "internal/wire", "task"},
	"internal/broker/packages": {"internal/broker/fault", "internal/broker/loop", "internal/engine", "internal/process", "internal/store", "internal/wire", "manifest", "msix", "task"},
	"internal/broker/systemd":  {"internal/source", "task"},
	"internal/broker/clock":    {"internal/engine"},
	"internal/broker/loop":     {"internal/engine", "task"},
	"internal/broker/fault":    {"task"},
}

// free packages are at the top and may import all of ours.
func free(pkg string) bool {
	return strings.HasPrefix(pkg, "examples/") || strings.HasPrefix(pkg, "bench") || strings.HasPrefix(pkg, "internal/e2e") ||
		strings.HasPrefix(pkg, "internal/gen") || strings.HasPrefix(pkg, "internal/machine") || strings.HasPrefix(pkg, "internal/wine/") || strings.HasPrefix(pkg, "internal/conformance")
}

// pure packages do no I/O and read no clock.
var pure = []string{"task", "manifest", "internal/calendar", "internal/engine", "internal/forecast"}

var impure = []string{"os", "net", "os/exec", "database/sql", "context", "sync", "syscall", "runtime", "log", "log/slog"}

// clocks are the functions of package time that pure packages must not call.
var clocks = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "LoadLocation"}

// forbidden says what the binaries of others may not get through the SDK.
var forbidden = map[string][]string{
	"": {"modernc.org/sqlite", "database/sql", "github.com/godbus/dbus/v5", "github.com/spf13/cobra", "charm.land/bubbletea/v2"},
}

type listed struct {
	ImportPath   string
	Dir          string
	Name         string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
	GoFiles      []string
}

// systems lists the operating systems that have specific files.
var systems = []string{"linux", "windows"}

func packages(t *testing.T, system string) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Name,Imports,TestImports,XTestImports,Deps,GoFiles", module+"/...")
	cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]listed{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")] = p
	}
}

func ours(path string) (string, bool) {
	if path == module {
		return "", true
	}
	return strings.CutPrefix(path, module+"/")
}

func TestImportsPointDown(t *testing.T) {
	for _, system := range systems {
		importsPointDown(t, packages(t, system))
	}
}

func importsPointDown(t *testing.T, all map[string]listed) {
	for pkg, p := range all {
		may, known := allowed[pkg]
		if len(p.GoFiles) == 0 || free(pkg) {
			continue
		}
		parent := pkg
		for !known && strings.Contains(parent, "/") { // a directory inside a package directory belongs to that package
			parent = parent[:strings.LastIndex(parent, "/")]
			may, known = allowed[parent]
		}
		if !known {
			t.Errorf("package %q has no place in the house: give it a row in this test", pkg)
			continue
		}
		for _, imported := range p.Imports {
			dep, mine := ours(imported)
			if mine && dep != parent && !strings.HasPrefix(dep, parent+"/") && !slices.Contains(may, dep) {
				t.Errorf("%s imports %s: not allowed", p.ImportPath, imported)
			}
		}
	}
}

func TestPurePackages(t *testing.T) {
	all := packages(t, "linux")
	for _, pkg := range pure {
		for _, imported := range all[pkg].Imports {
			if slices.Contains(impure, imported) || strings.Contains(imported, "grpc") || strings.Contains(imported, "dbus") {
				t.Errorf("%s imports %q: it must be pure", pkg, imported)
			}
		}
		for _, file := range all[pkg].GoFiles {
			noClock(t, filepath.Join(all[pkg].Dir, file))
		}
	}
}

func noClock(t *testing.T, file string) {
	set := token.NewFileSet()
	f, err := parser.ParseFile(set, file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && (slices.Contains(clocks, sel.Sel.Name) || sel.Sel.Name == "Local") {
				t.Errorf("%s: time.%s: a pure package must get the time from its caller", set.Position(n.Pos()), sel.Sel.Name)
			}
		}
		return true
	})
}

func TestForbiddenDependencies(t *testing.T) {
	for _, system := range systems {
		forbiddenDependencies(t, packages(t, system))
	}
}

func forbiddenDependencies(t *testing.T, all map[string]listed) {
	for pkg, bad := range forbidden {
		for _, dep := range all[pkg].Deps {
			if slices.Contains(bad, dep) {
				t.Errorf("%s depends on %s", all[pkg].ImportPath, dep)
			}
		}
	}
	for pkg, p := range all {
		for _, imported := range p.Imports {
			if dep, mine := ours(imported); mine && strings.HasPrefix(dep, "cmd/") && !strings.HasPrefix(pkg, "cmd/") {
				t.Errorf("%s imports %s: nothing imports cmd", pkg, imported)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for pkg, p := range packages(t, "linux") {
		documented := len(p.GoFiles) == 0
		for _, file := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			documented = documented || f.Doc != nil && len(strings.TrimSpace(f.Doc.Text())) > 20
		}
		if !documented {
			t.Errorf("package %q has no package comment", pkg)
		}
	}
}
