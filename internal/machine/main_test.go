//go:build linux

package machine

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/needs"
)

// patience bounds how long a test waits for an event that must happen. It does not
// express an expected speed.
const patience = time.Minute

// binaries is the directory of the programs that are installed on the machines. They
// are static, because the image's C library differs from this machine's.
var binaries string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	if missing().What != "" || testing.Short() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "bgtask-machine-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-trimpath", "-o", dir+"/",
		"github.com/bgtask/bgtask/cmd/bgtask", "github.com/bgtask/bgtask/examples/primes/SampleBackgroundApp")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %v\n%s", build.Args, err, out)
		return 1
	}
	binaries = dir
	return m.Run()
}

// programs boot a machine.
var programs = map[string]needs.Remedy{
	"debootstrap":    needs.Package("debootstrap"),
	"systemd-nspawn": needs.Package("systemd-container"),
	"nsenter":        needs.Package("util-linux"),
	"ip":             needs.Package("iproute2"),
}

// missing returns what this machine lacks to boot another one.
func missing() needs.Lack {
	switch lack := needs.Programs(programs); {
	case os.Getuid() != 0:
		return needs.Lack{What: "root", Remedy: needs.Root}
	case lack.What != "":
		return lack
	case cgroups() == "":
		return needs.Lack{What: "a mounted cgroup2", Remedy: needs.Kernel}
	}
	return needs.Lack{}
}

// need skips a test that cannot boot a machine, and fails it in CI, which has to.
func need(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("it boots a machine")
	}
	if lack := missing(); lack.What != "" {
		needs.Missing(t, lack.What, lack.Remedy)
	}
}

// checkout returns the path of a file in the source tree.
func checkout(rel string) string { return filepath.Join("..", "..", rel) }
