//go:build linux

package systemd

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLaunchEnvironment(t *testing.T) {
	own := []string{"PATH=/bin", "DISPLAY=:9", "NOTIFY_SOCKET=/x", "LISTEN_FDS=1", "BGTASK_LAUNCH=old", "INVOCATION_ID=1", "LANG=C"}
	manager := []string{"PATH=/manager", "DISPLAY=:0", "WAYLAND_DISPLAY=wayland-0"}
	want := []string{"PATH=/bin", "LANG=C", "DISPLAY=:0", "WAYLAND_DISPLAY=wayland-0", "BGTASK_SOCKET=/s"}
	if diff := cmp.Diff(want, launchEnvironment(own, manager, "/s")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
