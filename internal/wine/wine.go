//go:build linux

// Package wine makes the system in which the tests of the Windows side run: a
// Debian 13 with Wine 10 and a Windows prefix that is set up. scripts/wine runs a
// Windows program in it.
package wine

import (
	"context"
	"os"

	"github.com/bgtask/bgtask/internal/debian"
	"github.com/bgtask/bgtask/internal/needs"
)

// recipe installs Wine, which is too much for debootstrap, and sets its prefix up.
// Nothing that starts here may live on: it goes with the name space of its
// processes.
const recipe = `
unshare --mount --pid --fork --kill-child sh -euc '
mount -t proc proc proc
exec chroot . sh -euc "
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install -y --no-install-recommends wine wine64
rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists/*
mkdir -p /opt/prefix /run/wine
export WINEPREFIX=/opt/prefix XDG_RUNTIME_DIR=/run/wine WINEARCH=win64 WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml,winemenubuilder.exe=
timeout -k 10s 5m /usr/lib/wine/wine64 wineboot -i
timeout -k 10s 1m /usr/lib/wine/wineserver -w || /usr/lib/wine/wineserver -k
test -f /opt/prefix/system.reg
"'
`

// Image gives the folder with Wine. It makes it if it is not in the cache.
func Image(ctx context.Context, say func(format string, args ...any)) (string, error) {
	return debian.Image{Name: "wine", Packages: []string{"ca-certificates"}, Recipe: recipe}.Make(ctx, say)
}

// Missing returns what this machine lacks to run Windows programs.
func Missing() needs.Lack {
	if os.Getuid() != 0 { // Wine runs in its own root directory
		return needs.Lack{What: "root", Remedy: needs.Root}
	}
	return needs.Programs(map[string]needs.Remedy{"debootstrap": needs.Package("debootstrap"), "unshare": needs.Package("util-linux")})
}
