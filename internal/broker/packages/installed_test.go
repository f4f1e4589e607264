//go:build linux

package packages

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bgtask/bgtask/manifest"
	"github.com/bgtask/bgtask/msix"
	"github.com/bgtask/bgtask/task"
)

func TestFamilyOfAFolder(t *testing.T) {
	id := manifest.Identity{Name: "Contoso.Notes", Publisher: "CN=Contoso", Version: "1.2.0.0", Architecture: "x64", ResourceID: "en"}
	for name, want := range map[string]string{
		id.FullName():               id.FamilyName(),
		id.FullName() + again + "2": id.FamilyName(),
		unfinished + "ABCDEF":       "",
		"notes":                     "",
		"a_b_c_d_e_f":               "",
	} {
		if got := familyOf(name); got != want {
			t.Errorf("%s belongs to %q, want %q", name, got, want)
		}
	}
}

func TestVersionOfAProgram(t *testing.T) {
	p := places{versions: "/state/installed"}
	for exe, want := range map[string]string{
		"/state/installed/A_1.0.0.0_x64__p/bin/app": "/state/installed/A_1.0.0.0_x64__p",
		"/state/installed-too/app":                  "",
		"/usr/bin/app":                              "",
		"":                                          "",
	} {
		if got := p.versionOf(exe); got != want {
			t.Errorf("%s lies in %q, want %q", exe, got, want)
		}
	}
}

// A version is still needed when the state directory has moved since it was installed.
func TestNeededFolders(t *testing.T) {
	needed := neededFolders([]task.Package{
		{Origin: task.OriginFile, Folder: "/old/home/installed/A_1.0.0.0_x64__p~2"},
	})
	if !needed["A_1.0.0.0_x64__p~2"] || needed["A_1.0.0.0_x64__p"] {
		t.Errorf("needed: %v", needed)
	}
}

// The folder of versions may be a link to another disk.
func TestVersionsBehindALink(t *testing.T) {
	state, disk := t.TempDir(), t.TempDir()
	if got := versionsDir(state); got != filepath.Join(state, "installed") {
		t.Errorf("before anything is installed: %s", got)
	}
	if err := os.Symlink(disk, filepath.Join(state, "installed")); err != nil {
		t.Fatal(err)
	}
	if got := versionsDir(state); got != disk {
		t.Errorf("versions are in %s, the kernel says %s", got, disk)
	}
}

// A pipe in the place of a file is refused; opening it must not block.
func TestAPipeIsRefused(t *testing.T) {
	for _, name := range []string{manifest.FileName, msix.BlockMapName, "trusted.pem"} {
		folder := t.TempDir()
		if err := unix.Mkfifo(filepath.Join(folder, name), 0o600); err != nil {
			t.Fatal(err)
		}
		_, fault := readFolder(folder)
		err := errors.Join(fault, verifyFolder(t.Context(), folder))
		if name == "trusted.pem" {
			_, err = trustedRoots(folder)
		}
		if err == nil || !strings.Contains(err.Error(), "regular file") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A certificate file that is too large is refused, not truncated.
func TestALargeCertificateFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "all.pem"), make([]byte, maxCertificates+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := trustedRoots(dir); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("%v", err)
	}
}

// A folder is in use by its programs, by processes with their working directory in it, and
// by its scripts, whose program lies elsewhere.
func TestProcessesInAFolder(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(folder+"/script", []byte("#!/bin/sh\necho here; read line\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	sleep, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(sleep)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder+"/program", data, 0o700); err != nil {
		t.Fatal(err)
	}
	inside := exec.Command(sleep)
	inside.Dir = folder
	for name, cmd := range map[string]*exec.Cmd{
		"program": exec.Command(folder + "/program"), "script": exec.Command(folder + "/script"), "working directory": inside,
	} {
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil { // returns after the exec
			t.Fatal(err)
		}
		if pids, _ := processesIn(folder); !slices.Contains(pids, cmd.Process.Pid) {
			t.Errorf("%s: processes in the folder: %v, want %d", name, pids, cmd.Process.Pid)
		}
		stdin.Close()
		cmd.Wait()
		if pids, err := processesIn(folder); err != nil || len(pids) != 0 {
			t.Errorf("%s: processes in the folder: %v, want none", name, pids)
		}
	}
	if pids, err := processesIn(filepath.Dir(folder) + "/00"); err != nil || len(pids) != 0 {
		t.Errorf("processes in a folder whose name is a prefix: %v", pids)
	}
}

func TestRemoveATreeThatIsReadOnly(t *testing.T) {
	dir, err := os.MkdirTemp("", "readonly-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if os.Getuid() == 0 { // root ignores modes, so this thread becomes another user for a while
		const nobody = 65534
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
		_ = unix.Setfsuid(nobody) // the system call reports no failure
		defer func() { _ = unix.Setfsuid(0) }()
	}
	folder := filepath.Join(dir, "tree")
	deep := filepath.Join(folder, "a", "b")
	if err := os.MkdirAll(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{deep, filepath.Dir(deep)} {
		if err := os.WriteFile(dir+"/file", nil, 0o400); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeTree(folder); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(folder); !os.IsNotExist(err) {
		t.Errorf("it is still there: %v", err)
	}
}

func TestRunsHere(t *testing.T) {
	for _, architecture := range []string{"", "neutral", architectures[runtime.GOARCH][0]} {
		if !runsHere(architecture) {
			t.Errorf("%q should run here", architecture)
		}
	}
	if runsHere("mips") {
		t.Error("mips should not run here")
	}
}
