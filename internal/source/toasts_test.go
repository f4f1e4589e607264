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

// toasts returns the toasts on a bus, and a channel of the user's actions.
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
		t.Fatal("the action was not reported")
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

// desktopMock is a notification service played by python-dbusmock.
type desktopMock struct{ *sourcetest.Mock }

func playDesktop(t *testing.T, bus *sourcetest.Bus, capabilities string) desktopMock {
	return desktopMock{bus.Template(t, "notification_daemon", notifyName, notifyPath, `{"capabilities": "`+capabilities+`"}`)}
}

func (m desktopMock) emit(t *testing.T, signal, types string, args ...any) {
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
		t.Errorf("a toast with the same tag has id %d, want %d", again.ID, mine.ID)
	}

	m.emit(t, "ActionInvoked", "us", uint32(4711), "log")                          // another program's toast
	m.emit(t, "ActionInvoked", "us", mine.ID, strings.Repeat("x", task.MaxName+1)) // not one of our buttons
	m.emit(t, "ActivationToken", "us", mine.ID, "token-1")
	m.emit(t, "ActionInvoked", "us", mine.ID, "log")
	want := act{"app", task.ToastNotificationActionTriggerDetails{ID: mine.ID, Action: "log", Tag: "build", ActivationToken: "token-1"}}
	if got := awaitAct(t, acts); got != want {
		t.Errorf("action %+v, want %+v", got, want)
	}
	m.emit(t, "NotificationReplied", "us", mine.ID, "well done")
	want.d = task.ToastNotificationActionTriggerDetails{ID: mine.ID, Action: task.ReplyAction, Tag: "build", UserInput: "well done"}
	if got := awaitAct(t, acts); got != want {
		t.Errorf("action %+v, want %+v", got, want)
	}
	m.emit(t, "NotificationClosed", "uu", mine.ID, uint32(2))
	m.emit(t, "ActionInvoked", "us", mine.ID, "log") // ignored: it is closed
	m.emit(t, "ActionInvoked", "us", other.ID, "default")
	if got := awaitAct(t, acts); got.family != "other" || got.d.Action != task.DefaultAction {
		t.Errorf("action %+v", got)
	}
}

// Any program on the bus can send a signal; only the desktop's own count.
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
	for _, name := range names { // to each connection, like a desktop that sends only to the toast's sender
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
	m.emit(t, "ActionInvoked", "us", shown.ID, "pay")
	if got := awaitAct(t, acts); got.d.Action != "pay" {
		t.Errorf("action %+v", got)
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
		t.Errorf("warnings %q", shown.Warnings)
	}
	for range task.MaxToasts + 3 {
		mustShow(t, s, "app", task.Toast{Title: "T"})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.desktop.shown); n != task.MaxToasts || s.desktop.index(shown.ID) >= 0 {
		t.Errorf("%d toasts are listed, the first one among them: %v", n, s.desktop.index(shown.ID) >= 0)
	}
}

func TestNoDesktop(t *testing.T) {
	bus := sourcetest.NewBus(t)
	file := filepath.Join(t.TempDir(), "toasts")
	s, _ := toasts(bus, file)
	r, stop := start(t, Chain{s.Entry()})
	r.state(t, "notifications", task.SourceNotHere)
	_, err := s.Show(t.Context(), "app", "App", task.Toast{Title: "T"}, true)
	if !errors.Is(err, task.ErrNotSupported) || !strings.Contains(err.Error(), "no notification service") || task.Hint(err) == "" {
		t.Errorf("error %v, hint %q", err, task.Hint(err))
	}
	m := playDesktop(t, bus, "actions")
	r.state(t, "notifications", task.SourceUp)
	shown := mustShow(t, s, "app", task.Toast{Title: "T"})

	stop() // the next broker still knows the toast of a desktop that broadcasts its signals
	s, acts := toasts(bus, file)
	r, _ = start(t, Chain{s.Entry()})
	r.state(t, "notifications", task.SourceUp)
	m.emit(t, "ActionInvoked", "us", shown.ID, "default")
	if got := awaitAct(t, acts); got.family != "app" || got.d.ID != shown.ID {
		t.Errorf("action %+v", got)
	}

	m.Kill() // its ids begin at 1 again, and old ones are invalid
	r.state(t, "notifications", task.SourceGone)
	m.Start(t)
	r.state(t, "notifications", task.SourceUp)
	if again := mustShow(t, s, "other", task.Toast{Title: "T"}); again.ID != shown.ID {
		t.Fatalf("the mock's ids do not begin again: %d", again.ID)
	}
	m.emit(t, "ActionInvoked", "us", shown.ID, "default")
	if got := awaitAct(t, acts); got.family != "other" {
		t.Errorf("action %+v", got)
	}
}

// Test against dunst, a real notification daemon, which sends its signals only to
// the sender of the toast, with a real click on a real screen.
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
		t.Errorf("warnings %q", shown.Warnings)
	}
	for got := false; !got; {
		click := exec.CommandContext(t.Context(), "xdotool", "search", "--sync", "--onlyvisible", "--class", "Dunst", "mousemove", "--window", "%1", "20", "20", "click", "1")
		click.Env = append(os.Environ(), display)
		if out, err := click.CombinedOutput(); err != nil {
			t.Fatalf("xdotool: %v: %s", err, out)
		}
		select {
		case a := <-acts:
			got = true
			if want := (task.ToastNotificationActionTriggerDetails{ID: shown.ID, Action: "default", Tag: "build"}); a.family != "app" || a.d != want {
				t.Errorf("action %+v, want %+v", a, want)
			}
		case <-time.After(time.Second): // not drawn yet
		case <-t.Context().Done():
			t.Fatal("the click was not reported")
		}
	}
}

// screen starts an X server and returns its DISPLAY variable.
func screen(t *testing.T) string {
	t.Helper()
	sourcetest.Need(t, "xvfb", "Xvfb")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = read.Close() }()
	cmd := exec.CommandContext(t.Context(), "Xvfb", "-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "800x600x24")
	cmd.ExtraFiles = []*os.File{write}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close() // Xvfb has its own descriptor
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

// run starts a program that ends with the test.
func run(t *testing.T, display, bus, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
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
