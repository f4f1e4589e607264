//go:build linux

package e2e

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var binaryFlag = flag.String("bgtask", "", "the binary to test; one is built when empty")

// binary is the bgtask under test.
var binary string

func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case appName:
		os.Exit(appMain(os.Args[1:]))
	case underClock:
		os.Exit(clockMain(os.Args[1:]))
	}
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	flag.Parse()
	if binary = cmp.Or(*binaryFlag, os.Getenv(binaryEnv)); binary == "" {
		dir, err := os.MkdirTemp("", "bgtask-e2e-")
		if err != nil {
			return fail(err)
		}
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "bgtask")
		build := exec.Command("go", append(append([]string{"build"}, buildFlags...), "-o", binary, "github.com/bgtask/bgtask/cmd/bgtask")...)
		if out, err := build.CombinedOutput(); err != nil {
			return fail(fmt.Errorf("%v: %w\n%s", build.Args, err, out))
		}
		if err := os.Chmod(dir, 0o755); err != nil { // a test runs it as another user
			return fail(err)
		}
	}
	if err := os.Setenv(binaryEnv, binary); err != nil {
		return fail(err)
	}
	return m.Run()
}

// binaryEnv passes the binary to tests that run again in a network namespace.
const binaryEnv = "E2E_BGTASK"

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}
