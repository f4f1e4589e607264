package archtest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// usersModules are the modules that an application's go.mod may list because it
// imports the SDK: gRPC with what it needs. Those of the broker and the command
// line are not among them. They are in the same module as the SDK, but an
// application imports none of their packages, so Go's module graph pruning keeps
// them out.
var usersModules = []string{
	module,
	"golang.org/x/net", "golang.org/x/sys", "golang.org/x/text",
	"google.golang.org/genproto/googleapis/rpc", "google.golang.org/grpc", "google.golang.org/protobuf",
}

// TestUsersModule makes a module outside the tree that imports the SDK, and its test
// kit in a test, lets the go command complete its go.mod from the module cache, and
// reads what it lists.
func TestUsersModule(t *testing.T) {
	const program = "package main\n\nimport \"" + module + "\"\n\nfunc main() { bgtask.Main() }\n"
	const test = "package main\n\nimport _ \"" + module + "/bgtasktest\"\n"
	dir := t.TempDir()
	scratchModule(t, dir, map[string]string{"main.go": program, "main_test.go": test})
	for _, system := range systems {
		cmd := exec.CommandContext(t.Context(), "go", "list", "-mod=mod", "-deps", "-test", "./...")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0", "GOPROXY=off", "GOFLAGS=", "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go list for %s: %v\n%s", system, err, out)
		}
	}
	for _, got := range required(t, filepath.Join(dir, "go.mod")) {
		if !slices.Contains(usersModules, got) {
			t.Errorf("the go.mod of an application lists %s: packages bgtask and bgtasktest must not depend on it", got)
		}
	}
}

// scratchModule writes a module with the given files that takes the SDK from this
// tree, with this tree's checksums.
func scratchModule(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	files["go.mod"] = "module example.org/user\n\ngo 1.26.0\n\nrequire " + module + " v0.0.0\n\nreplace " + module + " => " + root + "\n"
	files["go.sum"] = string(sums)
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// required returns the paths of the modules that a go.mod requires.
func required(t *testing.T, file string) (paths []string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(strings.NewReader(string(content))); lines.Scan(); {
		fields := strings.Fields(strings.TrimPrefix(lines.Text(), "require "))
		if len(fields) >= 2 && strings.HasPrefix(fields[1], "v") {
			paths = append(paths, fields[0])
		}
	}
	if !slices.Contains(paths, "google.golang.org/grpc") {
		t.Fatalf("%s was not completed:\n%s", file, content)
	}
	return paths
}
