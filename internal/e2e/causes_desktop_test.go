//go:build linux

package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

const (
	desktopName = "org.freedesktop.Notifications"
	desktopPath = "/org/freedesktop/Notifications"
)

// sessionWorld is a world with a session bus of its own, and no broker yet.
func sessionWorld(t *testing.T) (*world, *sourcetest.Bus) {
	t.Helper()
	bus := sourcetest.NewBus(t)
	w := newWorld(t, "")
	w.extra = []string{"DBUS_SESSION_BUS_ADDRESS=" + bus.Address}
	return w, bus
}

// The user clicks a button of a toast, and the command is told which.
func TestAToast(t *testing.T) {
	t.Parallel()
	w, bus := sessionWorld(t)
	mock := bus.Template(t, "notification_daemon", desktopName, desktopPath, `{"capabilities": "actions body"}`)
	w.start()
	w.awaitSource("notifications", task.SourceUp)
	if _, stderr, code := w.bgtask("toast", "--action", "log=Log", "Too early"); code == 0 || !strings.Contains(stderr, "no task of the package") {
		t.Errorf("a button for nobody: exit %d, %s", code, stderr)
	}
	build := w.add("build", tell+`; printf '%s' "$XDG_ACTIVATION_TOKEN" >"$HOME/token"`, "--on", "toast:build")
	other := w.add("other", tell, "--on", "toast:other")
	e := w.watch()
	w.do("toast", "--tag", "build", "--action", "log=Show the log", "The build failed", "12 tests")

	says := func(signal, text string) {
		t.Helper()
		mock.Call(t, "EmitSignal", desktopName, signal, "us", []any{dbus.MakeVariant(uint32(1)), dbus.MakeVariant(text)})
	}
	says("ActivationToken", "token-1")
	says("ActionInvoked", "log")
	if run := e.ends(0, build); run.Outcome != task.Completed {
		t.Fatalf("it ended %v: %s", run.Outcome, run.Text)
	}
	want := task.ToastNotificationActionTriggerDetails{ID: 1, Action: "log", Tag: "build", ActivationToken: "token-1"}
	if all := w.reported(); len(all) != 1 || all[0] != want {
		t.Errorf("told was %+v, not %+v", all, want)
	}
	if token, err := os.ReadFile(w.path("token")); err != nil || string(token) != "token-1" {
		t.Errorf("XDG_ACTIVATION_TOKEN is %q, %v", token, err)
	}
	if n := w.info(other).Counts.Runs; n != 0 {
		t.Errorf("a toast of another tag ran %d times", n)
	}

	w.handOver() // a desktop that tells everybody tells the next broker, too
	w.start()
	w.awaitSource("notifications", task.SourceUp)
	i := e.mark()
	says("ActionInvoked", "default")
	if run := e.ends(i, build); run.Outcome != task.Completed {
		t.Errorf("it ended %v: %s", run.Outcome, run.Text)
	}
}

// Without a desktop the trigger is refused, with the reason, and doctor tells.
func TestNoDesktopForToasts(t *testing.T) {
	t.Parallel()
	w, _ := sessionWorld(t)
	w.start()
	w.awaitSource("notifications", task.SourceNotHere)
	_, stderr, code := w.bgtask("add", "never", "--on", "toast", "--", "true")
	if code == 0 || !strings.Contains(stderr, "no notification service is on the user's bus") {
		t.Errorf("accepted, or refused without the reason: exit %d, %s", code, stderr)
	}
	if _, stderr, code := w.bgtask("toast", "Hello"); code == 0 || !strings.Contains(stderr, "no notification service") || !strings.Contains(stderr, "hint: ") {
		t.Errorf("shown, or refused without the reason: exit %d, %s", code, stderr)
	}
	if out, _, _ := w.bgtask("doctor"); !strings.Contains(out, "notification") {
		t.Errorf("doctor does not tell:\n%s", out)
	}
}
