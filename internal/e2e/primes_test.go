//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/examples/primes"
	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/needs"
	"github.com/bgtask/bgtask/internal/wire"
	"github.com/bgtask/bgtask/task"
)

const primesFolder = "../../examples/primes"

// TestPrimesTheWholeWay builds a signed package from its declaration, has other
// programs verify it, installs it, fires its task, updates it while the task runs, and
// removes it without a trace.
func TestPrimesTheWholeWay(t *testing.T) {
	t.Parallel()
	w := startWorld(t, "")
	w.stagePrimes()
	w.do("add", "warm", "--on", "event:x", "--", "true")
	w.do("remove", "warm")
	before := w.files()

	w.do("package", "cert", "CN=Contoso", "-o", w.path("contoso"))
	one := w.makePrimes("1.0.0.0")
	two := w.makePrimes("2.0.0.0")
	judgePackage(t, one, w.path("contoso.crt"))
	w.said("primes-1.0.0.0.msix: good", w.do("package", "verify", "--ca", w.path("contoso.crt"), one))

	// It is installed only if its publisher is trusted.
	w.refused(4, "is not issued by a trusted authority", "install", one)
	w.do("trust", w.path("contoso.crt"))
	made := w.files()
	w.said(": installed 1.0.0.0, 1 class", w.do("install", one))
	p := w.packages()["SamplePackagedWinMainBackgroundApp"]
	if p.Family != "SamplePackagedWinMainBackgroundApp_h91ms92gdsmmt" {
		t.Errorf("the family is %s", p.Family)
	}

	// Its own program registers the task. It is fired, and runs in a launched server.
	register := w.command(p.Folder+"/SampleBackgroundApp/SampleBackgroundApp", "-RegisterSampleTask")
	register.Env = append(register.Env, client.BinaryEnv+"=")
	if out, err := register.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	w.do("facts", "override", "internet=yes")
	id := w.only(p.Family)
	e := w.watch()
	n := w.fire(id, "")
	first := e.progresses(id, 1)
	if exe := fmt.Sprintf("/proc/%d/exe", first.PID); !runsFrom(exe, p.Folder) {
		t.Errorf("the process does not run from the package's folder")
	}

	// When the package is updated, the run ends with the reason, and the new version
	// runs again.
	w.said("updated to 2.0.0.0", w.do("install", two))
	if ended := e.runEnded(id, n, 1); ended.Outcome != task.Canceled || ended.Reason != task.ReasonServicingUpdate {
		t.Errorf("the run ended %v, %v", ended.Outcome, ended.Reason)
	}
	again := e.progresses(id, 2)
	after := w.packages()["SamplePackagedWinMainBackgroundApp"]
	if again.Occurrence.Number != n || again.PID == first.PID || !runsFrom(fmt.Sprintf("/proc/%d/exe", again.PID), after.Folder) {
		t.Errorf("it runs again as %+v", again)
	}
	w.awaitFolders(filepath.Base(after.Folder)) // the old folder was removed when its last process ended
	w.said("already installed", w.do("install", two))
	w.refused(1, "is older", "install", one)

	// The package is removed while its task runs.
	w.do("uninstall", "SamplePackagedWinMainBackgroundApp")
	if ended := e.runEnded(id, n, 2); ended.Outcome != task.Canceled || ended.Reason != task.ReasonUninstall {
		t.Errorf("the run ended %v, %v", ended.Outcome, ended.Reason)
	}
	eventually(t, "its process is gone", func() bool { return gone(again.PID) })
	w.awaitFolders()
	w.awaitFiles(made)
	if left := w.families(); len(left) != 0 {
		t.Errorf("it is still installed: %v", left)
	}
	for _, path := range []string{one, two, w.path("contoso.crt"), w.path("contoso.key")} {
		os.Remove(path)
	}
	os.RemoveAll(w.path("declared"))
	w.do("trust", "--remove", certificateDigits(w))
	if left := w.files(); !slices.Equal(before, left) {
		t.Errorf("a trace is left:%s", changes(before, left))
	}
}

// stagePrimes builds the example for this machine, once for all versions.
func (w *world) stagePrimes() {
	w.t.Helper()
	w.makes("--folder", "--platform", "linux/"+runtime.GOARCH, "-o", w.path("stage"), absolute(w.t, primesFolder))
}

// makes runs bgtask package. It has no time limit, because it builds and compresses
// programs.
func (w *world) makes(args ...string) {
	w.t.Helper()
	cmd := w.command(w.binary, append([]string{"package"}, args...)...)
	cmd.Env = append(cmd.Env, goCaches(w.t)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
}

// makePrimes makes the signed package of the example for this machine, in a version.
func (w *world) makePrimes(version string) string {
	w.t.Helper()
	text, err := os.ReadFile(primesFolder + "/bgtask.toml")
	if err != nil {
		w.t.Fatal(err)
	}
	if !bytes.Contains(bytes.ToLower(text), []byte(primes.Sample.EntryPoint.String())) {
		w.t.Fatal("the declaration is of another class than the program")
	}
	declared := strings.NewReplacer("1.0.0.0", version, "program = \"./SampleBackgroundApp\"\n",
		fmt.Sprintf("programs = {\"linux/%s\" = \"../../stage/SampleBackgroundApp/SampleBackgroundApp\"}\n", runtime.GOARCH)).Replace(string(text))
	dir := filepath.Dir(w.write("declared/"+version+"/bgtask.toml", declared))
	out := w.path("primes-" + version + ".msix")
	w.makes("--cert", w.path("contoso.crt"), "--key", w.path("contoso.key"), "-o", out, dir)
	return out
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// goCaches returns the directories of Go's caches, which are outside of the world's
// home.
func goCaches(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOFLAGS").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(out), "\n")
	return []string{"GOCACHE=" + lines[0], "GOMODCACHE=" + lines[1], "GOFLAGS=" + lines[2]}
}

// judgePackage verifies the package with other programs.
func judgePackage(t *testing.T, path, certificate string) {
	t.Helper()
	for _, judge := range [][]string{
		{"osslsigncode", "verify", "-CAfile", certificate, "-in", path},
		{"unzip", "-tqq", path},
	} {
		if _, err := exec.LookPath(judge[0]); err != nil {
			needs.Missing(t, judge[0], needs.Package(judge[0]))
		}
		out, err := exec.Command(judge[0], judge[1:]...).CombinedOutput()
		if err != nil && strings.Contains(string(out), "Unsupported file type") {
			needs.Missing(t, "osslsigncode 2.7 or later", needs.Elsewhere("bookworm-backports has 2.9"))
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", judge[0], err, out)
		}
	}
}

// only returns the only task of a package.
func (w *world) only(family string) task.GUID {
	w.t.Helper()
	all, err := w.user.Tasks(w.context(), wire.TaskQuery{Package: family, AllGroups: true})
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%d tasks: %v", len(all), err)
	}
	return all[0].TaskID
}

// progresses returns an attempt once it has found primes.
func (e *events) progresses(id task.GUID, attempt int) task.Run {
	e.t.Helper()
	return *e.await("progress", func(ev task.Event) bool {
		return ev.Kind == task.EventProgress && ev.TaskID == id && ev.Run.Attempt == attempt && ev.Run.Progress > 0
	}).Run
}

func runsFrom(link, folder string) bool {
	exe, err := os.Readlink(link)
	return err == nil && strings.HasPrefix(exe, folder+"/")
}
