//go:build linux

package machine

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/internal/debian"
)

// packages are those of a machine on which a user can log in.
var packages = []string{"systemd", "systemd-sysv", "libpam-systemd", "dbus", "dbus-bin", "dbus-user-session", "polkitd", "iproute2", "tzdata"}

// recipe is the work that debootstrap leaves, done in the image's root directory. It
// adds the user and a network whose far end is the test. It disables whatever wakes up
// by itself or waits for a terminal.
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

// image returns the directory of the machine's base, which is never written to.
func image(t *testing.T) string {
	t.Helper()
	dir, err := debian.Image{Name: "machine", Packages: packages, Recipe: recipe}.Make(t.Context(), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// host runs a program on this machine, not in the one under test.
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
