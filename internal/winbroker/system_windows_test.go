package winbroker

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/internal/winrt"
	"github.com/bgtask/bgtask/task"
)

func TestMain(m *testing.M) {
	if err := com.Start(); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestHostWithCOM checks that the class exists while the host serves, that an object
// keeps the process alive, and that the process may exit when the object is gone.
func TestHostWithCOM(t *testing.T) {
	before := com.Live()
	f, _ := newFake(t)
	resumed := make(chan struct{}, 1)
	b := newBroker(servedBy{f, resumed}, slog.New(slog.DiscardHandler))
	host := b.NewHost(&fakeHandler{}, true)
	host.(*Host).came = true // as if there had been a run
	served := task.GUID{0x7e, 15: 1}
	host.SetObjects(task.Object{CLSID: served})
	ended := make(chan error, 1)
	go func() { ended <- host.Run(t.Context()) }()

	select { // Wine faults when a class is asked for while it is being registered
	case <-resumed:
	case <-time.After(time.Minute):
		t.Fatal("the class is not published")
	}
	object, err := com.Create(com.FromTask(served), com.InProcess|com.LocalServer, winrt.Task.IID)
	if err != nil {
		t.Fatal(err)
	}
	if left, err := host.Leave(t.Context()); left || err != nil {
		t.Errorf("Leave with a held object = %v, %v", left, err)
	}
	object.Release()
	if left, err := host.Leave(t.Context()); !left || err != nil {
		t.Errorf("Leave = %v, %v", left, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := com.Create(com.FromTask(served), com.InProcess|com.LocalServer, winrt.Task.IID); !errors.Is(err, com.ClassNotRegistered) {
		t.Errorf("after the end: %v", err)
	}
	if n := com.Live(); n != before {
		t.Errorf("%d objects leaked", n-before)
	}
}

// servedBy is a fake for registrations and the real system for classes.
type servedBy struct {
	*fakeSystem
	resumed chan struct{} // signals that classes are visible
}

func (servedBy) Start() error { return windowsSystem{}.Start() }
func (servedBy) Hold()        { windowsSystem{}.Hold() }
func (servedBy) Let() int     { return windowsSystem{}.Let() }
func (s servedBy) Resume() error {
	defer func() {
		select {
		case s.resumed <- struct{}{}:
		default:
		}
	}()
	return windowsSystem{}.Resume()
}
func (servedBy) Suspend() error { return windowsSystem{}.Suspend() }
func (servedBy) Publish(class task.GUID, single bool, run func(activation) error) (published, error) {
	return windowsSystem{}.Publish(class, single, run)
}

func TestMark(t *testing.T) {
	s, id := windowsSystem{}, task.GUID{1, 2, 3}
	if s.Alive(id) {
		t.Error("a run without a mark is alive")
	}
	release, err := s.Mark(id)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Alive(id) {
		t.Error("a run that is marked is not alive")
	}
	release()
	if s.Alive(id) {
		t.Error("it is alive after its release")
	}
}

// TestIdentity checks that a missing package identity is reported, and that the local
// folder is where Windows puts it.
func TestIdentity(t *testing.T) {
	t.Setenv(PackageEnv, "")
	t.Setenv("LocalAppData", t.TempDir())
	s := windowsSystem{}
	if family, err := s.Family(); family != "" || err != nil {
		t.Skipf("the test itself has package identity: %s, %v", family, err)
	}
	_, err := New("", nil).open("register")
	if !errors.Is(err, task.ErrNoPackage) || task.Hint(err) == "" {
		t.Error(err)
	}
	t.Setenv(PackageEnv, "App_h91ms92gdsmmt")
	folder, err := New("", nil).LocalFolder(t.Context())
	if err != nil || folder != filepath.Join(os.Getenv("LocalAppData"), "Packages", "App_h91ms92gdsmmt", "LocalState") {
		t.Error(folder, err)
	}
}
