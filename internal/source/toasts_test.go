//go:build linux

package source

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

type act struct {
	family string
	d      task.ToastNotificationActionTriggerDetails
}

// toasts are those of a bus, and what users do with them.
func toasts(bus *sourcetest.Bus, file string) (*Toasts, chan act) {
	acts := make(chan act, 16)
	return NewToasts(bus.Address, file, func(_ context.Context, family string, d task.ToastNotificationActionTriggerDetails) {
		acts <- act{family, d}
	}), acts
}

func awaitAct(t *testing.T, acts chan act) act {
	t.Helper()
	select {
	case a := <-acts:
		return a
	case <-time.After(sourcetest.Patience):
		t.Fatal("the action was not told")
	}
	return act{}
}

func mustShow(t *testing.T, s *Toasts, family string, toast task.Toast) task.ToastShown {
	t.Helper()
	shown, err := s.Show(t.Context(), family, "App", toast, true)
	if err != nil {
		t.Fatal(err)
	}
	return shown
}

// desktopMock is a notification service that python-dbusmock plays.
type desktopMock struct{ *sourcetest.Mock }

func playDesktop(t *testing.T, bus *sourcetest.Bus, capabilities string) desktopMock {
	return desktopMock{bus.Template(t, "notification_daemon", notifyName, notifyPath, `{"capabilities": "`+capabilities+`"}`)}
}

func (m desktopMock) says(t *testing.T, signal, types string, args ...any) {
	t.Helper()
	body := []any{}
	for _, a := range args {
		body = append(body, dbus.MakeVariant(a))
	}
	m.Call(t, "EmitSignal", notifyName, signal, types, body)
}

func TestToasts(t *testing.T) {
	bus := sourcetest.NewBus(t)
	m := playDesktop(t, bus, "actions body body-markup inline-reply")
	s, acts := toasts(bus, filepath.Join(t.TempDir(), "toasts"))
	r, _ := start(t, Chain{s.Entry()})
	r.state(t, "notifications", task.SourceUp)

	mine := mustShow(t, s, "app", task.Toast{Title: "Build", Body: "1 < 2 & failed", Tag: "build", Reply: "Answer", Actions: []task.ToastAction{{Key: "log", Label: "Log"}}})
	other := mustShow(t, s, "other", task.Toast{Title: "Build", Tag: "build"})
	if len(mine.Warnings) > 0 || mine.ID == other.ID {
		t.Errorf("shown as %+v and %+v", mine, other)
	}
	if again := mustShow(t, s, "app", task.Toast{Title: "Build", Tag: "build"}); again.ID != mine.ID {
		t.Errorf("a toast with the same tag is number %d beside %d", again.ID, mine.ID)
	}

	m.says(t, "ActionInvoked", "us", uint32(4711), "log")                          // of another program
	m.says(t, "ActionInvoked", "us", mine.ID, strings.Repeat("x", task.MaxName+1)) // of no button
	m.says(t, "ActivationToken", "us", mine.ID, "token-1")
	m.says(t, "ActionInvoked", "us", mine.ID, "log")
	want := act{"app", task.ToastNotificationActionTriggerDetails{ID: mine.ID, Action: "log", Tag: "build", ActivationToken: "token-1"}}
	if got := awaitAct(t, acts); got != want {
		t.Errorf("told was %+v, not %+v", got, want)
	}
	m.says(t, "NotificationReplied", "us", mine.ID, "well done")
	want.d = task.ToastNotificationActionTriggerDetails{ID: mine.ID, Action: task.ReplyAction, Tag: "build", UserInput: "well done"}
	if got := awaitAct(t, acts); got != want {
		t.Errorf("told was %+v, not %+v", got, want)
	}
	m.says(t, "NotificationClosed", "uu", mine.ID, uint32(2))
	m.says(t, "ActionInvoked", "us", mine.ID, "log") // what is closed is nobody's
	m.says(t, "ActionInvoked", "us", other.ID, "default")
	if got := awaitAct(t, acts); got.family != "other" || got.d.Action != task.DefaultAction {
		t.Errorf("told was %+v", got)
	}
}

// Anybody on the bus can send a signal; only the desktop's own count.
func TestForgedClicks(t *testing.T) {
	bus := sourcetest.NewBus(t)
	m := playDesktop(t, bus, "actions")
	s, acts := toasts(bus, filepath.Join(t.TempDir(), "toasts"))
	r, _ := start(t, Chain{s.Entry()})
	r.state(t, "notifications", task.SourceUp)
	shown := mustShow(t, s, "app", task.Toast{Title: "Pay", Actions: []task.ToastAction{{Key: "pay", Label: "Pay"}}})
	forger := bus.Connect(t)
	var names []string
	if err := forger.BusObject().Call(busName+".ListNames", 0).Store(&names); err != nil {
		t.Fatal(err)
	}
	for _, name := range names { // to each connection, as a desktop does that tells the sender only
		if strings.HasPrefix(name, ":") {
			msg := dbus.Message{Type: dbus.TypeSignal, Headers: map[dbus.HeaderField]dbus.Variant{
				dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath(notifyPath)), dbus.FieldInterface: dbus.MakeVariant(notifyName),
				dbus.FieldMember: dbus.MakeVariant("ActionInvoked"), dbus.FieldDestination: dbus.MakeVariant(name),
				dbus.FieldSignature: dbus.MakeVariant(dbus.ParseSignatureMust("us")),
			}, Body: []any{shown.ID, "forged"}}
			forger.Send(&msg, nil)
		}
	}
	if err := forger.BusObject().Call(busName+".GetId", 0).Err; err != nil { // all was sent
		t.Fatal(err)
	}
	m.says(t, "ActionInvoked", "us", shown.ID, "pay")
	if got := awaitAct(t, acts); got.d.Action != "pay" {
		t.Errorf("told was %+v", got)
	}
}

func TestToastsThatLackSomething(t *testing.T) {
	bus := sourcetest.NewBus(t)
	playDesktop(t, bus, "icon-static")
	s, _ := toasts(bus, filepath.Join(t.TempDir(), "toasts"))
	r, _ := start(t, Chain{s.Entry()})
	r.state(t, "notifications", task.SourceUp)
	shown := mustShow(t, s, "app", task.Toast{Title: "T", Body: "B", Reply: "R"})
	if len(shown.Warnings) != 3 {
		t.Errorf("warnings are %q", shown.Warnings)
	}
	for range task.MaxToasts + 3 {
		mustShow(t, s, "app", task.Toast{Title: "T"})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.desktop.shown); n != task.MaxToasts || s.desktop.index(shown.ID) >= 0 {
		t.Errorf("%d toasts are remembered, of the first one %v", n, s.desktop.index(shown.ID) >= 0)
	}
}

func TestNoDesktop(t *testing.T) {
	bus := sourcetest.NewBus(t)
	file := filepath.Join(t.TempDir(), "toasts")
	s, acts := toasts(bus, file)
	r, stop := start(t, Chain{s.Entry()})
	r.state(t, "notifications", task.SourceNotHere)
	_, err := s.Show(t.Context(), "app", "App", task.Toast{Title: "T"}, true)
	if !errors.Is(err, task.ErrNotSupported) || !strings.Contains(err.Error(), "no notification service") || task.Hint(err) == "" {
		t.Errorf("refused with %v, hint %q", err, task.Hint(err))
	}
	m := playDesktop(t, bus, "actions")
	r.state(t, "notifications", task.SourceUp)
	shown := mustShow(t, s, "app", task.Toast{Title: "T"})

	stop() // the next broker hears of a desktop that tells everybody
	s, acts = toasts(bus, file)
	r, _ = start(t, Chain{s.Entry()})
	r.state(t, "notifications", task.SourceUp)
	m.says(t, "ActionInvoked", "us", shown.ID, "default")
	if got := awaitAct(t, acts); got.family != "app" || got.d.ID != shown.ID {
		t.Errorf("told was %+v", got)
	}

	m.Kill() // its numbers begin anew, and mean nothing
	r.state(t, "notifications", task.SourceGone)
	m.Start(t)
	r.state(t, "notifications", task.SourceUp)
	if again := mustShow(t, s, "other", task.Toast{Title: "T"}); again.ID != shown.ID {
		t.Fatalf("the mock counts on: %d", again.ID)
	}
	m.says(t, "ActionInvoked", "us", shown.ID, "default")
	if got := awaitAct(t, acts); got.family != "other" {
		t.Errorf("told was %+v", got)
	}
}

// dunst is a real notification daemon, which tells only the sender, and a real
// click on a real screen.
func TestClickOnADesktop(t *testing.T) {
	bus := sourcetest.NewBus(t)
	display := screen(t)
	sourcetest.Need(t, "xdotool", "xdotool")
	sourcetest.Need(t, "dunst", "dunst")
	config := filepath.Join(t.TempDir(), "dunstrc")
	if err := os.WriteFile(config, []byte("[global]\n  origin = top-left\n  offset = 0x0\n  width = 300\n  height = 200\n  mouse_left_click = do_action\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, acts := toasts(bus, filepath.Join(t.TempDir(), "toasts"))
	r, _ := start(t, Chain{s.Entry()})
	run(t, display, "DBUS_SESSION_BUS_ADDRESS="+bus.Address, "dunst", "-conf", config)
	r.state(t, "notifications", task.SourceUp)
	shown := mustShow(t, s, "app", task.Toast{Title: "The build failed", Tag: "build", Actions: []task.ToastAction{{Key: "log", Label: "Show the log"}}})
	if len(shown.Warnings) > 0 {
		t.Errorf("warnings are %q", shown.Warnings)
	}
	for got := false; !got; {
		click := exec.Command("xdotool", "search", "--sync", "--onlyvisible", "--class", "Dunst", "mousemove", "--window", "%1", "20", "20", "click", "1")
		click.Env = append(os.Environ(), display)
		if out, err := click.CombinedOutput(); err != nil {
			t.Fatalf("xdotool: %v: %s", err, out)
		}
		select {
		case a := <-acts:
			got = true
			if want := (task.ToastNotificationActionTriggerDetails{ID: shown.ID, Action: "default", Tag: "build"}); a.family != "app" || a.d != want {
				t.Errorf("told was %+v, not %+v", a, want)
			}
		case <-time.After(time.Second): // it was not drawn yet
		case <-t.Context().Done():
			t.Fatal("the click was not told")
		}
	}
}

// screen starts an X server and gives its DISPLAY.
func screen(t *testing.T) string {
	t.Helper()
	sourcetest.Need(t, "xvfb", "Xvfb")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	cmd := exec.Command("Xvfb", "-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "800x600x24")
	cmd.ExtraFiles = []*os.File{write}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	number, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb did not start: %v", err)
	}
	return "DISPLAY=:" + strings.TrimSpace(number)
}

// run starts a program which ends with the test.
func run(t *testing.T, display, bus, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), display, bus)
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}
