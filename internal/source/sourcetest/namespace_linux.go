package sourcetest

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const inside = "SOURCETEST_NAMESPACE"

// InNamespace runs the calling test again in another process with its own network
// and mount namespaces, and returns true there. In the original process it
// returns false; the test fails if the other process failed.
func InNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		return true
	}
	Need(t, "iproute2", "ip")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+strings.ReplaceAll(t.Name(), "/", "$/^")+"$", "-test.v", "-test.timeout=5m")
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

// PrivateDirs mounts empty directories over directories of the machine. It is for
// tests that run InNamespace.
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

// ReadOnlySys mounts the namespace's /sys read-only, as in a container. It is for
// tests that run InNamespace, after PrivateDirs.
func ReadOnlySys(t testing.TB) { t.Helper(); mountSys(t, syscall.MS_RDONLY) }

// OwnSys mounts the namespace's /sys writable.
func OwnSys(t testing.TB) { t.Helper(); mountSys(t, 0) }

func mountSys(t testing.TB, flags uintptr) {
	t.Helper()
	if err := syscall.Mount("sysfs", "/sys", "sysfs", flags, ""); err != nil {
		t.Fatalf("mount /sys: %v", err)
	}
}

// NewUdev starts the real udevd and waits until it is ready. It is for tests that
// run InNamespace, with their own /run and /sys.
func NewUdev(t testing.TB) {
	t.Helper()
	const daemon = "/lib/systemd/systemd-udevd"
	Need(t, "udev", daemon)
	cmd := exec.CommandContext(outlive(t), daemon)
	endWithTest(t, cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if out, err := exec.CommandContext(t.Context(), "udevadm", "settle", "--timeout=30").CombinedOutput(); err != nil {
		t.Fatalf("udevd did not start: %v: %s", err, out)
	}
	for late := time.Now().Add(Patience); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat("/run/udev/control"); err == nil {
			return
		} else if time.Now().After(late) {
			t.Fatal("udevd did not start")
		}
	}
}

// endWithTest kills the process when the test process dies, even by a crash.
func endWithTest(t testing.TB, cmd *exec.Cmd) {
	cmd.Stderr = t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// IP runs the ip command.
func IP(t testing.TB, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
