//go:build linux

package machine

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const release = "trixie"

// packages make a machine on which somebody can log in.
var packages = []string{"systemd", "systemd-sysv", "libpam-systemd", "dbus", "dbus-bin", "dbus-user-session", "polkitd", "iproute2", "tzdata"}

// recipe is what debootstrap leaves to do, in the image's root directory: the
// user, and a network whose far end is the test. What wakes up by itself or waits
// for a terminal goes.
const recipe = `
chroot . useradd --create-home --uid 1000 --shell /bin/sh ann
cat >etc/systemd/network/10-host0.network <<END
[Match]
Name=host0
[Network]
Address=192.0.2.2/24
Gateway=192.0.2.1
LinkLocalAddressing=no
IPv6AcceptRA=no
END
chroot . systemctl --quiet enable systemd-networkd.service
chroot . systemctl --quiet mask console-getty.service getty@.service systemd-networkd-wait-online.service \
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer
rm -rf var/cache/apt/archives/*.deb var/lib/apt/lists/*
`

// image is the folder of the machine's base, which is never written to. It is made
// if it is not in the cache, under a name that says how.
func image(t *testing.T) string {
	t.Helper()
	sum := sha256.Sum256([]byte(strings.Join(packages, ",") + recipe))
	dir := filepath.Join(cacheDir(t), fmt.Sprintf("machine-%s-%x", release, sum[:6]))
	defer lock(t, dir+".lock")()
	if _, err := os.Stat(dir); err == nil {
		return dir
	} else if !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	part := dir + ".part"
	if err := os.RemoveAll(part); err != nil {
		t.Fatal(err)
	}
	t.Logf("making the image %s", dir)
	host(t, "debootstrap", "--variant=minbase", "--include="+strings.Join(packages, ","), release, part, mirror(t))
	cook := exec.Command("sh", "-euc", recipe)
	cook.Dir = part
	if out, err := cook.CombinedOutput(); err != nil {
		t.Fatalf("finishing the image: %v\n%s", err, out)
	}
	if err := os.Rename(part, dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// cacheDir is outside the checkout: other clones share it.
func cacheDir(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = "/var/cache"
	}
	dir = filepath.Join(dir, "bgtask")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// lock keeps other test processes from the image until it is there.
func lock(t *testing.T, path string) (unlock func()) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() { file.Close() }
}

// mirror is where this machine's own packages come from, if it is a Debian.
func mirror(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN)/$(LABEL)", "Created-By: Packages").Output()
	if err != nil {
		t.Logf("apt does not name a mirror: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		if uri, from, _ := strings.Cut(strings.TrimSpace(line), " "); from == "Debian/Debian" {
			return uri
		}
	}
	return "http://deb.debian.org/debian"
}

// host runs a program on this machine, not in the one that is tested.
func host(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, lastLines(out, 20))
	}
}

func lastLines(out []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
