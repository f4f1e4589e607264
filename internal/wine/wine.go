//go:build linux

// Package wine prepares the system in which the tests of the Windows side run: a Debian
// 13 with Wine 10 and an initialized Windows prefix. scripts/wine runs a Windows
// program in it.
package wine

import (
	"context"
	"os"

	"github.com/bgtask/bgtask/internal/debian"
	"github.com/bgtask/bgtask/internal/needs"
)

// recipe installs Wine, which debootstrap cannot do, and initializes its prefix. No
// process that starts here may survive, so everything runs in a PID namespace that ends
// with the recipe.
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

// Image returns the directory with Wine. It makes it unless it is in the cache.
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
