package sourcetest

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const inside = "SOURCETEST_NAMESPACE"

// InNamespace runs the calling test again in another process, which has network
// and mounts of its own, and returns true there; outside it returns false when that
// process passed.
func InNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		return true
	}
	Need(t, "iproute2", "ip")
	cmd := exec.Command(os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("in a network namespace: %v\n%s", err, out)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Errorf("skipped in a network namespace:\n%s", out)
	}
	return false
}

// PrivateDirs hides directories of the machine behind empty ones. It is for tests
// that are InNamespace.
func PrivateDirs(t testing.TB, dirs ...string) {
	t.Helper()
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			t.Fatalf("hide %s: %v", dir, err)
		}
	}
}

// ReadOnlySys mounts the /sys of the namespace, read-only, as in a container. It
// is for tests that are InNamespace, after PrivateDirs.
func ReadOnlySys(t testing.TB) {
	t.Helper()
	if err := syscall.Mount("sysfs", "/sys", "sysfs", syscall.MS_RDONLY, ""); err != nil {
		t.Fatalf("mount /sys: %v", err)
	}
}

// endWithTest lets no process outlive a test that crashed.
func endWithTest(t testing.TB, cmd *exec.Cmd) {
	cmd.Stderr = t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// IP runs the ip command.
func IP(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
