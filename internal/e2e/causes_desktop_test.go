//go:build linux

package e2e

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/bgtask/bgtask/internal/source/sourcetest"
	"github.com/bgtask/bgtask/task"
)

const (
	desktopName = "org.freedesktop.Notifications"
	desktopPath = "/org/freedesktop/Notifications"
)

// sessionWorld returns a world with its own session bus and no broker yet.
func sessionWorld(t *testing.T) (*world, *sourcetest.Bus) {
	t.Helper()
	bus := sourcetest.NewBus(t)
	w := newWorld(t, "")
	w.extra = []string{"DBUS_SESSION_BUS_ADDRESS=" + bus.Address}
	return w, bus
}

// The user clicks a button of a toast, and the command learns which one.
func TestAToast(t *testing.T) {
	t.Parallel()
	w, bus := sessionWorld(t)
	mock := bus.Template(t, "notification_daemon", desktopName, desktopPath, `{"capabilities": "actions body"}`)
	w.start()
	w.awaitSource("notifications", task.SourceUp)
	if _, stderr, code := w.bgtask("toast", "--action", "log=Log", "Too early"); code == 0 || !strings.Contains(stderr, "no task of the package") {
		t.Errorf("a button that fires no task: exit %d, %s", code, stderr)
	}
	build := w.add("build", record+`; printf '%s' "$XDG_ACTIVATION_TOKEN" >"$HOME/token"`, "--on", "toast:build")
	other := w.add("other", record, "--on", "toast:other")
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
		t.Errorf("the command got %+v, not %+v", all, want)
	}
	if token, err := os.ReadFile(w.path("token")); err != nil || string(token) != "token-1" {
		t.Errorf("XDG_ACTIVATION_TOKEN is %q, %v", token, err)
	}
	if n := w.info(other).Counts.Runs; n != 0 {
		t.Errorf("a toast of another tag ran %d times", n)
	}

	w.handOver() // a desktop that signals everyone also signals the next broker
	w.start()
	w.awaitSource("notifications", task.SourceUp)
	i := e.mark()
	says("ActionInvoked", "default")
	if run := e.ends(i, build); run.Outcome != task.Completed {
		t.Errorf("it ended %v: %s", run.Outcome, run.Text)
	}
}

// Without a desktop the trigger is refused with the reason, and doctor reports it.
func TestNoDesktopForToasts(t *testing.T) {
	t.Parallel()
	w, _ := sessionWorld(t)
	w.start()
	w.awaitSource("notifications", task.SourceNotHere)
	_, stderr, code := w.bgtask("add", "never", "--on", "toast", "--", "true")
	if code == 0 || !strings.Contains(stderr, "no notification service on the session bus") {
		t.Errorf("accepted, or refused without the reason: exit %d, %s", code, stderr)
	}
	if _, stderr, code := w.bgtask("toast", "Hello"); code == 0 || !strings.Contains(stderr, "no notification service") || !strings.Contains(stderr, "hint: ") {
		t.Errorf("shown, or refused without the reason: exit %d, %s", code, stderr)
	}
	if out, _, _ := w.bgtask("doctor"); !strings.Contains(out, "notification") {
		t.Errorf("doctor does not report it:\n%s", out)
	}
}

// pushService is a mock of a UnifiedPush distributor that speaks version 2 of the
// interface.
type pushService struct {
	conn       *dbus.Conn
	registered chan string // tokens
	dropped    chan string
}

type arguments = map[string]dbus.Variant

func playDistributor(t *testing.T, bus *sourcetest.Bus) *pushService {
	t.Helper()
	d := &pushService{bus.Connect(t), make(chan string, 16), make(chan string, 16)}
	token := func(m arguments) string { s, _ := m["token"].Value().(string); return s }
	err := d.conn.ExportMethodTable(map[string]any{
		"Register": func(m arguments) (arguments, *dbus.Error) {
			d.registered <- token(m)
			return arguments{"success": dbus.MakeVariant("REGISTRATION_SUCCEEDED")}, nil
		},
		"Unregister": func(m arguments) (arguments, *dbus.Error) {
			d.dropped <- token(m)
			return arguments{}, nil
		},
	}, "/org/unifiedpush/Distributor", "org.unifiedpush.Distributor2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.conn.RequestName("org.unifiedpush.Distributor.e2e", 0); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *pushService) call(method string, m arguments) error {
	return d.conn.Object("io.github.bgtask.Broker", "/org/unifiedpush/Connector").Call("org.unifiedpush.Connector2."+method, 0, m).Err
}

func await(t *testing.T, c chan string) string {
	t.Helper()
	select {
	case s := <-c:
		return s
	case <-time.After(patience):
		t.Fatal("the distributor got no request")
	}
	return ""
}

// A message that was acknowledged runs the task, even if the broker is killed right
// after.
func TestAPushMessage(t *testing.T) {
	t.Parallel()
	w, bus := sessionWorld(t)
	d := playDistributor(t, bus)
	w.start()
	w.awaitSource("UnifiedPush", task.SourceUp)
	id := w.add("deploy", record, "--on", "push")
	token := await(t, d.registered)
	if err := d.call("NewEndpoint", arguments{"token": dbus.MakeVariant(token), "endpoint": dbus.MakeVariant("https://push.example/1")}); err != nil {
		t.Fatal(err)
	}
	if out := w.do("push", "deploy"); out != "https://push.example/1\n" {
		t.Errorf("the channel is %q", out)
	}
	e := w.watch()
	message := arguments{"token": dbus.MakeVariant(token), "message": dbus.MakeVariant([]byte("main"))}
	if err := d.call("Message", message); err != nil {
		t.Fatal(err)
	}
	w.crash()
	w.start()
	if run := e.ends(0, id); run.Outcome != task.Completed && run.Outcome != task.Lost {
		t.Fatalf("it ended %v: %s", run.Outcome, run.Text)
	}
	if await(t, d.registered) != token {
		t.Error("the next broker has another token")
	}
	if all := w.reported(); len(all) == 0 || string(all[0].(task.PushNotificationTriggerDetails).Content) != "main" {
		t.Errorf("the command got %+v", all)
	}
	w.do("remove", "deploy")
	if await(t, d.dropped) != token {
		t.Error("another token was unregistered")
	}
}

// A message for a broker that is not running starts it: through the installed service
// file, and on a bus without systemd.
func TestAMessageStartsTheBroker(t *testing.T) {
	t.Parallel()
	w, bus := sessionWorld(t)
	d := playDistributor(t, bus)
	w.start()
	w.awaitSource("UnifiedPush", task.SourceUp)
	id := w.add("deploy", record+`; env >"$HOME/env"`, "--on", "push")
	token := await(t, d.registered)
	w.do("daemon", "stop")

	service, err := os.ReadFile("../../packaging/dbus-1/services/io.github.bgtask.Broker.service")
	if err != nil {
		t.Fatal(err)
	}
	bus.Activates(t, "io.github.bgtask.Broker", strings.Replace(string(service), "/usr/bin/bgtask", w.binary, 1), w.env())
	if err := d.call("Message", arguments{"token": dbus.MakeVariant(token), "message": dbus.MakeVariant([]byte("main"))}); err != nil {
		t.Fatal(err)
	}
	e := w.watch()
	if run := e.ends(0, id); run.Outcome != task.Completed {
		t.Errorf("it ended %v: %s", run.Outcome, run.Text)
	}
	if all := w.reported(); len(all) != 1 || string(all[0].(task.PushNotificationTriggerDetails).Content) != "main" {
		t.Errorf("the command got %+v", all)
	}
	if said, _, _ := w.bgtask("doctor"); !strings.Contains(said, "started by D-Bus") {
		t.Errorf("doctor does not say what started the broker:\n%s", said)
	}
	if env, err := os.ReadFile(w.path("env")); err != nil || strings.Contains(string(env), "DBUS_STARTER") {
		t.Errorf("the broker's own variables reach its tasks: %v\n%s", err, env)
	}
}
