package winbroker

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/bgtask/bgtask/internal/client"
	"github.com/bgtask/bgtask/internal/winrt"
	"github.com/bgtask/bgtask/task"
)

// Broker is the broker of Windows. It holds nothing that must be closed.
type Broker struct {
	client.NoBroker // refuses every method that is not implemented here

	system  system
	claimed string // the package that the program claims to belong to; "": any
	logger  *slog.Logger
	opening sync.Mutex
	opened  *application
}

var _ client.Broker = (*Broker)(nil)

// application is the identity of the process.
type application struct {
	family  string
	folder  string // of the application's data
	records *records
}

func newBroker(s system, logger *slog.Logger) *Broker {
	if logger == nil {
		logger = slog.Default()
	}
	unknown := &task.Error{Err: task.ErrNotSupportedOnWindows, Hint: "doc/COMPATIBILITY.md lists what is supported"}
	return &Broker{NoBroker: client.NoBroker{Err: unknown}, system: s, logger: logger}
}

// open finds out which application the process is. Without package identity every
// operation fails, and the first call reports it.
func (b *Broker) open(op string) (*application, error) {
	b.opening.Lock()
	defer b.opening.Unlock()
	if b.opened != nil {
		return b.opened, nil
	}
	if err := b.system.Start(); err != nil {
		return nil, winrt.Explain(op, "", err)
	}
	family, err := b.system.Family()
	if err != nil {
		return nil, winrt.Explain(op, "", err)
	}
	if family == "" {
		return nil, &task.Error{Op: op, Err: task.ErrNoPackage, Detail: "the process has no package identity, and Windows runs background tasks only for packaged applications",
			Hint: "package it with 'bgtask package', or give it a sparse package, and start it from the package; see doc/WINDOWS.md"}
	}
	if b.claimed != "" && b.claimed != family {
		return nil, &task.Error{Op: op, Subject: b.claimed, Err: task.ErrConflict, Detail: "the process belongs to the package " + family, Hint: "leave Client.Package empty: Windows knows the package"}
	}
	folder, err := b.system.LocalFolder(family)
	if err != nil {
		return nil, winrt.Explain(op, family, err)
	}
	kept := &records{folder: filepath.Join(folder, "bgtask"), alive: b.system.Alive}
	if err := os.MkdirAll(kept.folder, 0o700); err != nil {
		return nil, unwritable(op, kept.folder, err)
	}
	b.opened = &application{family: family, folder: folder, records: kept}
	return b.opened, nil
}

func unwritable(op, path string, err error) error {
	hint := "free some space, and check the folder's permissions"
	if errors.Is(err, fs.ErrPermission) {
		hint = "check the folder's permissions"
	}
	return &task.Error{Op: op, Subject: path, Err: task.ErrUnavailable, Detail: err.Error(), Hint: hint}
}

// LocalFolder returns the folder of the application's data.
func (b *Broker) LocalFolder(context.Context) (string, error) {
	a, err := b.open("local folder")
	if err != nil {
		return "", err
	}
	return a.folder, nil
}

// RequestAccess asks Windows whether the application's tasks may run.
func (b *Broker) RequestAccess(ctx context.Context) (task.AccessStatus, error) {
	if _, err := b.open("request access"); err != nil {
		return 0, err
	}
	status, err := b.system.RequestAccess(ctx)
	return status, winrt.Explain("request access", "", err)
}

// Facts returns the cost of background work, the only fact that Windows shows.
func (b *Broker) Facts(context.Context) ([]task.Fact, []task.SourceState, error) {
	if _, err := b.open("facts"); err != nil {
		return nil, nil, err
	}
	cost, err := b.system.WorkCost()
	if err != nil {
		return nil, nil, winrt.Explain("facts", "", err)
	}
	return []task.Fact{{Name: task.FactWorkCost, Value: cost, Since: time.Now(), Source: "BackgroundWorkCost"}}, nil, nil
}

// Fire requests the ApplicationTrigger of a task.
func (b *Broker) Fire(ctx context.Context, id task.GUID, how client.Firing) (uint64, error) {
	if _, err := b.open("request"); err != nil {
		return 0, err
	}
	if how.ByHand {
		return 0, task.NotOnWindows("Registration.Request", "")
	}
	answer, found, err := b.system.Request(ctx, id, how.Arguments)
	switch {
	case err != nil:
		return 0, winrt.Explain("request", id.String(), err)
	case !found:
		return 0, notRegistered("request", id)
	}
	return 0, refusal(answer)
}

func refusal(answer winrt.RequestAnswer) error {
	switch answer {
	case winrt.Allowed:
		return nil
	case winrt.CurrentlyRunning:
		return &task.Error{Op: "request", Err: task.ErrCurrentlyRunning, Hint: "try again when it has ended"}
	case winrt.DisabledByPolicy:
		return &task.Error{Op: "request", Err: task.ErrDisabledByPolicy, Detail: "a policy of Windows forbids background activity",
			Hint: "Settings, Apps, the application, Advanced options: allow background activity"}
	}
	return &task.Error{Op: "request", Err: task.ErrInternal, Detail: "Windows refused the request without giving a reason"}
}

func notRegistered(op string, id task.GUID) error {
	return &task.Error{Op: op, Subject: id.String(), Err: task.ErrNotRegistered, Hint: "AllTasks lists the registered tasks"}
}

// Unregister removes a registration and its records.
func (b *Broker) Unregister(_ context.Context, id task.GUID, cancel bool) error {
	a, err := b.open("unregister")
	if err != nil {
		return err
	}
	found, err := b.system.Unregister(id, cancel)
	switch {
	case err != nil:
		return winrt.Explain("unregister", id.String(), err)
	case !found:
		return notRegistered("unregister", id)
	}
	if err := a.records.forget(id); err != nil {
		b.logger.Warn("bgtask: the records of a removed task could not be deleted", "task", id, "error", err)
	}
	return nil
}

// Cancel is not supported on Windows.
func (b *Broker) Cancel(context.Context, task.GUID, task.CancellationReason, bool) error {
	return task.NotOnWindows("Registration.Cancel", "")
}

// Resume is not supported on Windows.
func (b *Broker) Resume(context.Context, task.GUID) error {
	return task.NotOnWindows("Registration.Resume", "")
}

// Why is not supported on Windows.
func (b *Broker) Why(context.Context, task.GUID) (task.Explanation, error) {
	return task.Explanation{}, task.NotOnWindows("Registration.Why", "")
}

// Raise is not supported on Windows.
func (b *Broker) Raise(_ context.Context, event string, _ []byte) ([]string, error) {
	return nil, task.NotOnWindows("Client.Raise", event)
}

// ShowToast is not supported on Windows.
func (b *Broker) ShowToast(context.Context, task.Toast, string) (task.ToastShown, error) {
	return task.ToastShown{}, task.NotOnWindows("Client.ShowToast", "")
}

// HideToast is not supported on Windows.
func (b *Broker) HideToast(context.Context, uint32) error {
	return task.NotOnWindows("Client.HideToast", "")
}

// PushChannel is not supported on Windows.
func (b *Broker) PushChannel(context.Context, task.GUID) (task.PushChannel, error) {
	return task.PushChannel{}, task.NotOnWindows("Registration.PushChannel", "")
}

// Attach is not supported on Windows: NewHost serves classes through COM.
func (b *Broker) Attach(context.Context, bool) (client.Stream, error) {
	return nil, &task.Error{Op: "attach", Err: task.ErrNotSupportedOnWindows, Detail: "classes are served through COM"}
}

// Close does nothing: the connection belongs to the process.
func (b *Broker) Close() error { return nil }
