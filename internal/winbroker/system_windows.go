package winbroker

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"

	"github.com/bgtask/bgtask/internal/com"
	"github.com/bgtask/bgtask/internal/winrt"
	"github.com/bgtask/bgtask/task"
)

// New returns the broker of Windows. The package is the one that the program claims to
// belong to, or ""; a nil logger means slog.Default.
func New(family string, logger *slog.Logger) *Broker {
	b := newBroker(windowsSystem{}, logger)
	b.claimed = family
	return b
}

// PackageEnv replaces package identity in tests under Wine, which has no packages. On
// Windows it only changes the text of the error.
const PackageEnv = "BGTASK_PACKAGE"

// windowsSystem is the real system.
type windowsSystem struct{}

func (windowsSystem) Start() error { return com.Start() }

func (windowsSystem) Family() (string, error) {
	family, err := winrt.PackageFamily()
	if family == "" && err == nil {
		family = os.Getenv(PackageEnv)
	}
	return family, err
}

// LocalFolder asks ApplicationData. Where that class does not exist, it returns the
// path that it would return.
func (windowsSystem) LocalFolder(family string) (string, error) {
	path, err := winrt.LocalFolder()
	switch {
	case errors.Is(err, com.ClassNotRegistered), errors.Is(err, com.ClassNotAvailable), errors.Is(err, com.NotImplemented):
	default:
		return path, err
	}
	local, err := os.UserCacheDir() // %LocalAppData%
	if err != nil {
		return "", err
	}
	path = filepath.Join(local, "Packages", family, "LocalState")
	return path, os.MkdirAll(path, 0o700)
}

func (windowsSystem) Register(s task.Spec) (task.GUID, error) { return winrt.Register(s) }

func (windowsSystem) Unregister(id task.GUID, cancel bool) (bool, error) {
	return winrt.Unregister(id, cancel)
}

func (windowsSystem) Tasks() ([]winrt.Registered, error) { return winrt.Tasks() }

func (windowsSystem) Request(ctx context.Context, id task.GUID, arguments []byte) (winrt.RequestAnswer, bool, error) {
	return winrt.Request(ctx, id, arguments)
}

func (windowsSystem) RequestAccess(ctx context.Context) (task.AccessStatus, error) {
	return winrt.RequestAccess(ctx)
}

func (windowsSystem) WorkCost() (task.Value, error) { return winrt.CurrentWorkCost() }

func (windowsSystem) Subscribe(id task.GUID, e winrt.Events) (func(), bool, error) {
	return winrt.Subscribe(id, e)
}

// markName returns the name of a run's mark, which disappears with its process.
func markName(instance task.GUID) (*uint16, error) {
	return windows.UTF16PtrFromString(`Local\bgtask-run-` + instance.String())
}

func (windowsSystem) Mark(instance task.GUID) (func(), error) {
	name, err := markName(instance)
	if err != nil {
		return nil, err
	}
	mark, err := windows.CreateMutex(nil, false, name)
	if mark == 0 {
		return nil, err
	}
	return func() { _ = windows.CloseHandle(mark) }, nil
}

func (windowsSystem) Alive(instance task.GUID) bool {
	name, err := markName(instance)
	if err != nil {
		return false
	}
	mark, err := windows.OpenMutex(windows.SYNCHRONIZE, false, name)
	if err != nil {
		return false
	}
	_ = windows.CloseHandle(mark)
	return true
}

func (windowsSystem) Hold() { com.AddProcess() }

func (windowsSystem) Let() int { return int(com.ReleaseProcess()) }

func (windowsSystem) Resume() error { return com.Resume() }

func (windowsSystem) Suspend() error { return com.Suspend() }

// Publish registers a class object. COM counts its objects and locks, which keep the
// process alive.
func (w windowsSystem) Publish(class task.GUID, single bool, run func(activation) error) (published, error) {
	use := com.MultipleUse
	if single {
		use = com.SingleUse
	}
	factory := com.NewFactory(com.ClassFactory{
		Make: func() (*com.Unknown, error) {
			w.Hold()
			return winrt.NewTask(func(a *winrt.Activation) error { return run(a) }, func() { w.Let() }), nil
		},
		Lock: func(lock bool) {
			if lock {
				w.Hold()
			} else {
				w.Let()
			}
		},
	})
	cookie, err := com.Register(com.FromTask(class), factory, use|com.Suspended|com.Agile)
	if err != nil {
		factory.Release()
		return nil, err
	}
	return &classObject{cookie, factory}, nil
}

type classObject struct {
	cookie  com.Cookie
	factory *com.Unknown
}

func (c *classObject) Revoke() error {
	defer c.factory.Release()
	return c.cookie.Revoke()
}
